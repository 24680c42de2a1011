import Diagnostics
import JSON
import YAML

/// Masks the secrets of connector configs in every snippet, whatever the diagnostic that shows their line.
enum SecretMask {
    /// What stands below a secret's name and is none itself: where the secret is to be found, and the form of it.
    private static let plain: Set<String> = ["env", "file", "exec", "auth_type"]

    /// Masks what the schema calls a secret, what is named like one, and text that a login is written in.
    static func hide(_ config: Node, _ schema: CatalogSchemas.Connector?, _ diagnostics: inout DiagnosticCollector) {
        var waiting = [config]
        while let node = waiting.popLast() {
            waiting += node.items ?? []
            for member in node.members ?? [] {
                if isSecret(member.value.string, named: [member.key]) {
                    hide(member.value, &diagnostics)
                } else {
                    waiting.append(member.value)
                }
            }
        }
        guard let schema else { return }
        for annotation in schema.config.annotations(named: ["secret"], of: config.value, evenInvalid: true)
        where annotation.value.boolValue == true {
            if let node = config.find(annotation.instance), node.scalar != nil { diagnostics.hide(node.range) }
        }
    }

    /// Masks every scalar of a value that is a secret.
    static func hide(_ secret: Node, _ diagnostics: inout DiagnosticCollector) {
        var waiting = [secret]
        while let node = waiting.popLast() {
            if node.scalar != nil { diagnostics.hide(node.range) }
            waiting += node.items ?? []
            for member in node.members ?? [] where !plain.contains(member.key) { waiting.append(member.value) }
        }
    }

    /// Whether text of a config is a secret by one of the names that lead to it, or holds one itself.
    static func isSecret(_ text: String?, named names: [String]) -> Bool {
        let last = names.last ?? ""
        if names.contains(where: SecretName.isLikely), !plain.contains(last) { return true }
        guard let text else { return false }
        if SecretName.hasLogin(text) || text.lowercased().contains("password") { return true }
        return last == "address" && (text.contains("://") || text.contains { "@?=&;".contains($0) })
    }
}
