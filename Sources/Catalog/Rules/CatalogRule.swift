import Diagnostics

/// A rule about a catalog's meaning that no JSON Schema can state.
protocol CatalogRule {
    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector)
}

/// All rules, in the order in which their findings at one place are shown.
enum CatalogRules {
    private static var all: [any CatalogRule.Type] {
        [
            NameRule.self, DefinedCollectionRule.self, DefinedCaptureRule.self, EndpointRule.self,
            SealedValueRule.self, AddressRule.self,
            SchemaCombinationRule.self, KeyRule.self, ProjectionRule.self, ResourceRule.self, SharedTableRule.self,
            TableNameRule.self, TableLoopRule.self, OwnTableRule.self,
            FedCollectionRule.self, TimeOrderRule.self, SlotRule.self, FieldSelectionRule.self, PartitionRule.self,
            EmptyTaskRule.self, ExtensionNameRule.self, TestRule.self, UnsupportedRule.self, UnfollowedRule.self,
            SplitCommitRule.self, AppendingRule.self,
        ]
    }

    /// Reports what any rule finds.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        for rule in all { rule.check(catalog, &diagnostics) }
    }
}
