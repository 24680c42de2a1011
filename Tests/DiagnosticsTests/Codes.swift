import Diagnostics

extension DiagnosticCode {
    static let undefined = DiagnosticCode(402, title: "undefined collection", explanation: "It must be defined.")
    static let other = DiagnosticCode(7, title: "other", explanation: "Another.")
}
