/// All codes that a program can report, in the order of their numbers.
public struct DiagnosticCodeRegistry: Sendable {
    /// The codes by ascending number.
    public let codes: [DiagnosticCode]
    /// Numbers that were declared more than once: a mistake of ours that a test looks for.
    public let duplicates: [Int]
    private let byNumber: [Int: DiagnosticCode]

    /// Gathers the rooms' lists. Of a duplicate number the first declaration is kept.
    public init(_ lists: [DiagnosticCode]...) {
        var byNumber: [Int: DiagnosticCode] = [:]
        var duplicates: [Int] = []
        for code in lists.joined() {
            if byNumber[code.number] == nil {
                byNumber[code.number] = code
            } else {
                duplicates.append(code.number)
            }
        }
        self.byNumber = byNumber
        self.duplicates = duplicates.sorted()
        self.codes = byNumber.values.sorted { $0.number < $1.number }
    }

    /// The code that a user typed: `FC0402`, `fc402` or `402`; nil where there is none.
    public func find(_ typed: String) -> DiagnosticCode? {
        let digits = typed.lowercased().hasPrefix("fc") ? typed.dropFirst(2) : Substring(typed)
        guard let number = Int(digits) else { return nil }
        return byNumber[number]
    }
}
