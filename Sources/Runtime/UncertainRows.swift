import Connectors

/// Rows of a link whose left-out values were asked of the source, by binding and key, until the log has shown that the row which
/// was found there is the one that the change was about.
///
/// Invariant: what was read counts where the log, from the change up to a place at which the source surely had what was read,
/// takes no row from this key. Such places are the end of the transaction that wrote the version that was found, and the
/// position that the source had after the look. A key that was freed and taken by another row is shown by the log in between; so
/// is where the row went. Nothing is committed while there are any, before a `ProofRound` is over.
struct UncertainRows {
    typealias Key = [[UInt8]?]

    struct Row {
        /// The row is in the link's open transaction as it was found; else the source had none.
        var isWritten: Bool
        /// Who left the version that was found.
        var transaction: UInt32?
        /// The source's position after the look.
        var until: LogPosition
        fileprivate var number: Int
    }

    private typealias Place = (binding: Int, key: Key, number: Int, transaction: UInt32?)

    private var rows: [[Key: Row]]
    private(set) var count = 0
    /// In the order of the looks, and from where on they are open.
    private var inOrder: [Place] = []
    private var first = 0
    private var byTransaction: [UInt32: [Place]] = [:]
    private var nextNumber = 0
    /// By binding: rows that the open transaction has whole for sure.
    private var whole: [Set<Key>]
    private var hasWhole = false
    /// The greatest position that is waited for.
    private(set) var until = LogPosition.zero

    init(bindings: Int) {
        rows = Array(repeating: [:], count: bindings)
        whole = Array(repeating: [], count: bindings)
    }

    var isEmpty: Bool { count == 0 }

    subscript(key: Key, binding: Int) -> Row? { rows[binding][key] }

    mutating func add(_ key: Key, _ binding: Int, _ found: FoundRow) {
        let row = Row(
            isWritten: found.row != nil, transaction: found.transaction, until: found.until, number: nextNumber)
        nextNumber += 1
        if rows[binding].updateValue(row, forKey: key) == nil { count += 1 }
        if hasWhole { whole[binding].remove(key) }
        until = max(until, found.until)
        let place: Place = (binding, key, row.number, found.transaction)
        inOrder.append(place)
        if let id = found.transaction { byTransaction[id, default: []].append(place) }
    }

    mutating func remove(_ key: Key, _ binding: Int) {
        if rows[binding].removeValue(forKey: key) != nil { count -= 1 }
        tidy()
    }

    /// The table was emptied.
    mutating func removeAll(of binding: Int) {
        count -= rows[binding].count
        rows[binding].removeAll()
        whole[binding].removeAll()
        tidy()
    }

    /// The log has shown everything up to `position`, and a transaction just now. `missing` are the bindings of rows that the
    /// source does not have, and of which the log does not show how they went; `hasWaited` where a row was waited for beyond
    /// its own transaction.
    mutating func pass(_ position: LogPosition, _ transaction: UInt32?) -> (missing: [Int], hasWaited: Bool) {
        var missing: [Int] = []
        var hasWaited = false
        if let transaction, let places = byTransaction.removeValue(forKey: transaction) {
            for place in places {
                if let row = rows[place.binding][place.key], row.number == place.number { prove(row, place) }
            }
        }
        while first < inOrder.count {
            let place = inOrder[first]
            if let row = rows[place.binding][place.key], row.number == place.number {
                guard row.until <= position else { break }
                prove(row, place)
                hasWaited = true
                if !row.isWritten { missing.append(place.binding) }
            }
            // A subtransaction has an end of its own nowhere in the log.
            if let id = place.transaction, byTransaction[id]?.last?.number == place.number { byTransaction[id] = nil }
            first += 1
        }
        if first > 1 << 12, first > inOrder.count / 2 {
            inOrder.removeFirst(first)
            first = 0
        }
        tidy()
        return (missing, hasWaited)
    }

    private mutating func prove(_ row: Row, _ place: Place) {
        rows[place.binding][place.key] = nil
        count -= 1
        guard row.isWritten else { return }
        whole[place.binding].insert(place.key)
        hasWhole = true
    }

    /// Whether the row with the key `before` needs nothing from the source, being whole since a look of this transaction; it is
    /// called `after` from here on. So rows that change all the time don't keep a commit from ever coming.
    mutating func isWhole(_ before: @autoclosure () -> Key, _ after: @autoclosure () -> Key, _ binding: Int) -> Bool {
        guard hasWhole, whole[binding].remove(before()) != nil else { return false }
        whole[binding].insert(after())
        return true
    }

    /// Everything is committed.
    mutating func forgetWhole() {
        guard hasWhole else { return }
        for binding in whole.indices { whole[binding].removeAll() }
        hasWhole = false
    }

    /// By binding with uncertain rows: the position by which the log has proven those of now.
    var doubts: [(binding: Int, until: LogPosition)] {
        rows.indices.compactMap { binding in
            rows[binding].values.map(\.until).max().map { (binding, $0) }
        }
    }

    private mutating func tidy() {
        guard count == 0 else { return }
        inOrder.removeAll(keepingCapacity: true)
        first = 0
        byTransaction.removeAll(keepingCapacity: true)
        until = .zero
    }
}
