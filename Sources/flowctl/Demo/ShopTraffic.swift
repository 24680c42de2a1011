import Connectors
import Glibc
import Postgres

/// The shop's live traffic: one writer with a connection of its own that commits transactions at a steady rate until it is
/// asked to stop. Orders come and go, prices and states change, keys are renamed.
struct ShopTraffic {
    let connection: Connection
    let stop: StopSignal
    /// Transactions a second.
    let rate: Int

    /// The number of the newest order and customer; the shop begins with these.
    private var orders = Shop.orders
    private var customers = Shop.customers
    private var random = SystemRandomNumberGenerator()

    init(connection: Connection, stop: StopSignal, rate: Int) {
        self.connection = connection
        self.stop = stop
        self.rate = rate
    }

    /// Blocks until `stop`.
    mutating func run() throws {
        let interval = 1_000_000_000 / UInt64(max(rate, 1))
        var due = MonotonicClock.now
        while !stop.isRequested {
            let work = transaction()
            try connection.execute(
                """
                BEGIN; \(work)
                UPDATE shop.pulse SET transactions = transactions + 1, at = clock_timestamp(); COMMIT
                """)
            due += interval
            let now = MonotonicClock.now
            // A stall is not made up for: the shop's customers went elsewhere.
            if due < now { due = now } else { MonotonicClock.sleep(nanoseconds: due - now) }
        }
    }

    private mutating func transaction() -> SQL {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<45: return placeOrder()
        case 45..<60: return moveOrder()
        case 60..<72: return changeCustomer()
        case 72..<82: return changeProduct()
        case 82..<90: return dropOrder()
        case 90..<95: return addCustomer()
        case 95..<98: return renameProduct()
        default: return cleanUp()
        }
    }

    private mutating func placeOrder() -> SQL {
        orders += 1
        let order = Shop.orderID(String(orders))
        let lines = Int.random(in: 1...4, using: &random)
        return """
            INSERT INTO shop.orders (id, customer, ship_to, total, client)
                SELECT \(raw: order), id, home, \(orders) * 0.9999, '192.168.7.9' FROM shop.customers
                 WHERE id >= \(anyCustomer()) ORDER BY id LIMIT 1;
            INSERT INTO shop.order_items
                SELECT o.id, row_number() OVER (), p.sku, 1, 19.90 FROM shop.orders AS o,
                    LATERAL (SELECT sku FROM shop.products WHERE sku > \(literal: anySKU()) ORDER BY sku LIMIT \(lines)) AS p
                 WHERE o.id = \(raw: order);
            INSERT INTO shop.payments (order_id, amount, paid)
                SELECT id, total, clock_timestamp() FROM shop.orders WHERE id = \(raw: order);
            UPDATE shop.products SET stock = stock - 1
             WHERE sku IN (SELECT sku FROM shop.order_items WHERE order_id = \(raw: order));
            """
    }

    private mutating func moveOrder() -> SQL {
        """
        UPDATE shop.orders SET state = (enum_range(NULL::shop.order_state))[\(Int.random(in: 1...5, using: &random))]
         WHERE id = \(raw: anyOrder());
        INSERT INTO shop.events (kind, body) VALUES ('moved', '{"by": "traffic"}');
        """
    }

    private mutating func changeCustomer() -> SQL {
        """
        UPDATE shop.customers SET balance = balance + 0.01, tags = tags[1:3] || 'seen'::text, home.town = 'Elsewhere'
         WHERE id = \(anyCustomer());
        """
    }

    /// Leaves the description as it is: where that is stored out of line, the log doesn't carry it.
    private mutating func changeProduct() -> SQL {
        """
        UPDATE shop.products SET price = price * 1.01, offered = tstzrange(clock_timestamp(), 'infinity')
         WHERE sku = (SELECT sku FROM shop.products WHERE sku >= \(literal: anySKU()) ORDER BY sku LIMIT 1);
        """
    }

    private mutating func dropOrder() -> SQL {
        "DELETE FROM shop.orders WHERE id = \(raw: anyOrder());"
    }

    private mutating func addCustomer() -> SQL {
        customers += 1
        return """
            INSERT INTO shop.customers (name, email) VALUES ('New ' || \(customers), \(customers) || '@example.net');
            """
    }

    /// Changes a key, and through the foreign key every order's line that names it.
    private mutating func renameProduct() -> SQL {
        """
        UPDATE shop.products SET sku = sku || '+'
         WHERE sku = (SELECT sku FROM shop.products WHERE sku >= \(literal: anySKU()) ORDER BY sku LIMIT 1)
           AND length(sku) < 40;
        """
    }

    private mutating func cleanUp() -> SQL {
        """
        DELETE FROM shop.events WHERE id IN (SELECT id FROM shop.events ORDER BY id LIMIT 10);
        DELETE FROM shop.customers WHERE id = \(anyCustomer());
        """
    }

    private mutating func anyOrder() -> String { Shop.orderID(String(Int.random(in: 1...orders, using: &random))) }

    private mutating func anyCustomer() -> Int { Int.random(in: 1...customers, using: &random) }

    private mutating func anySKU() -> String { "SKU-\(Int.random(in: 1...Shop.products, using: &random))" }
}
