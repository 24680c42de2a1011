/// The names of a session's prepared statements, by what they are.
struct StatementCache {
    private(set) var names: [String: String] = [:]
    /// Keys of statements of which the server has not said yet that it prepared them.
    private var unconfirmed: [String] = []
    private var made = 0

    /// Names a new statement.
    mutating func add(_ key: String) -> String {
        made += 1
        let name = "flow_\(made)"
        names[key] = name
        unconfirmed.append(key)
        return name
    }

    /// Everything that was sent has succeeded.
    mutating func confirm() {
        unconfirmed.removeAll(keepingCapacity: true)
    }

    /// Something that was sent has failed: the server passed over what came after it.
    mutating func forgetUnconfirmed() {
        for key in unconfirmed { names[key] = nil }
        unconfirmed.removeAll()
    }

    mutating func removeAll() {
        names.removeAll()
        unconfirmed.removeAll()
    }

    /// Forgets the statements whose keys begin so; returns their names.
    mutating func remove(prefix: String) -> [String] {
        let gone = names.filter { $0.key.hasPrefix(prefix) }
        for key in gone.keys { names[key] = nil }
        return gone.values.sorted()
    }
}

/// The staging tables of a session. A table is made in a transaction and gone if that is rolled back.
struct StageCache {
    struct Stage {
        var name: String
        var binding: Int
        var plan: StorePlan
        /// Whether it holds rows of the open transaction.
        var isFilled = false
        var isCommitted = false
    }

    private(set) var stages: [Stage] = []
    private var made = 0

    func index(of plan: StorePlan) -> Int? {
        stages.firstIndex { $0.plan === plan }
    }

    /// Registers a staging table that is being made; returns where it is.
    mutating func add(_ plan: StorePlan, binding: Int) -> Int {
        made += 1
        stages.append(Stage(name: "flow_stage_\(binding)_\(made)", binding: binding, plan: plan))
        return stages.count - 1
    }

    mutating func fill(_ index: Int) {
        stages[index].isFilled = true
    }

    /// The end of the transaction emptied all.
    mutating func committed() {
        for index in stages.indices {
            stages[index].isFilled = false
            stages[index].isCommitted = true
        }
    }

    mutating func rolledBack() {
        stages.removeAll { !$0.isCommitted }
        for index in stages.indices { stages[index].isFilled = false }
    }

    /// Forgets a binding's; returns their names.
    mutating func remove(binding: Int) -> [String] {
        let names = stages.filter { $0.binding == binding }.map(\.name)
        stages.removeAll { $0.binding == binding }
        return names
    }
}
