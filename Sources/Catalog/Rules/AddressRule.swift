import Diagnostics
import YAML

/// A server's port is one that there is.
enum AddressRule: CatalogRule {
    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        for endpoint in catalog.captures.map(\.endpoint) + catalog.materializations.map(\.endpoint) {
            guard let node = endpoint.config?["address"], let text = node.string, let colon = text.lastIndex(of: ":")
            else { continue }
            let digits = text[text.index(after: colon)...]
            guard let port = Int(digits), digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), !(1...65535 ~= port)
            else { continue }
            diagnostics.report(
                node.error(.outOfBounds, "the port \(digits) is not one of 1 to 65535", hint: "5432 is Postgres' own"))
        }
    }
}
