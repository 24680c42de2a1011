import Diagnostics
import YAML

/// No two enabled captures read through the same slot of the same server.
enum SlotRule: CatalogRule {
    private struct Slot: Hashable {
        let address: String
        let name: String
    }

    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        var known: [Slot: (CaptureSpec, Node)] = [:]
        for task in catalog.captures where !task.isDisabled && !task.enabledBindings.isEmpty {
            guard let config = task.endpoint.config, let address = config["address"] else { continue }
            guard let host = address.string else { continue }
            let name = config["advanced"]?["slotName"]
            // A slot's name is the server's, whichever database it decodes.
            let slot = Slot(address: ServerAddress.normalized(host), name: name?.string ?? "flow_slot")
            guard let (other, place) = known[slot] else {
                known[slot] = (task, name ?? address)
                continue
            }
            diagnostics.report(
                (name ?? address).error(
                    .sharedSlot,
                    "\(task.name.phrase) uses slot '\(slot.name)' of the same server, as \(other.name.phrase) does",
                    notes: [.init("\(other.name.phrase) uses it", at: place.range)],
                    hint: "give one of them another 'advanced.slotName'"))
        }
    }
}
