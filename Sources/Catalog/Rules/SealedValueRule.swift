import Diagnostics
import YAML

/// What `sops` has encrypted in an endpoint's config has `sops`' own part beside it, without which nothing decrypts it.
enum SealedValueRule: CatalogRule {
    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        for endpoint in catalog.captures.filter({ !$0.isDisabled }).map(\.endpoint)
            + catalog.materializations.filter({ !$0.isDisabled }).map(\.endpoint)
        {
            guard let config = endpoint.config, config["sops"] == nil, !config.isCut else { continue }
            check(config, &diagnostics)
        }
    }

    private static func check(_ node: Node, _ diagnostics: inout DiagnosticCollector) {
        for member in node.members ?? [] {
            if let text = member.value.string {
                guard member.key.hasSuffix("_sops") || text.hasPrefix("ENC[") && text.hasSuffix("]") else { continue }
                diagnostics.report(
                    member.keyError(
                        .sealedValue, "'\(member.key)' is encrypted, and the config has no 'sops' to decrypt it with",
                        hint: "keep the 'sops' mapping that sops writes, or give the secret by reference"))
            } else {
                check(member.value, &diagnostics)
            }
        }
    }
}
