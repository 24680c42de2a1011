/// A kind of fault that has a stable number, with the page that `flowctl explain` prints for it.
///
/// Each room declares its own codes as static members and lists them in a `DiagnosticCodeRegistry`.
/// FC01xx is text that is not YAML or JSON; the other hundreds belong to the catalog and the connectors.
public struct DiagnosticCode: Sendable {
    /// The four digits after `FC`. Never reused for another fault.
    public let number: Int
    /// A few words that name the fault, without a full stop.
    public let title: String
    /// Why it is a fault and how to mend it; plain text in whole sentences.
    public let explanation: String
    /// A small catalog that has the fault.
    ///
    /// A comment line that is a file's name (`# flow.yaml`) begins that file, the first of which is the catalog's root;
    /// without one all of it is `flow.yaml`. Text that begins with `$ ` is a shell's line that writes the catalog. An
    /// endpoint may name `source.yaml` and `warehouse.yaml` as its config without showing them.
    public let bad: String
    /// The same catalog mended, in the same form.
    public let mended: String

    /// A code with its page. The number must be 1...9999.
    public init(_ number: Int, title: String, explanation: String, bad: String = "", mended: String = "") {
        self.number = number
        self.title = title
        self.explanation = explanation
        self.bad = bad
        self.mended = mended
    }

    /// The code as users see it: `FC0402`.
    public var name: String {
        let digits = String(number)
        return "FC" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}

extension DiagnosticCode: Hashable, CustomStringConvertible {
    /// Codes are the same when their numbers are.
    public static func == (left: DiagnosticCode, right: DiagnosticCode) -> Bool { left.number == right.number }

    /// Hashes the number.
    public func hash(into hasher: inout Hasher) { hasher.combine(number) }

    /// The code as users see it.
    public var description: String { name }
}
