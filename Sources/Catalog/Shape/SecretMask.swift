import Diagnostics
import JSON
import YAML

/// Masks the secrets of connector configs in every snippet, whatever the diagnostic that shows their line.
enum SecretMask {
    private static let names: Set<String> = ["password", "privateKey", "passphrase", "token"]

    /// Masks what the schema calls a secret, and what is named like one where there is no schema to ask.
    static func hide(_ config: Node, _ schema: CatalogSchemas.Connector?, _ diagnostics: inout DiagnosticCollector) {
        var waiting = [config]
        while let node = waiting.popLast() {
            waiting += node.items ?? []
            for member in node.members ?? [] {
                if names.contains(member.key), member.value.scalar != nil {
                    diagnostics.hide(member.value.range)
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
}
