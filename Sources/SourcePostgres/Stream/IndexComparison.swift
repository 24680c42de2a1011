import Connectors
import Postgres

/// Finds what the catalog, read late, hides of a table's unique indexes: whether one that is there now was there all the time, and
/// whether one was the replica identity of a partition for a while.
///
/// Invariant: a row of the log is matched by a destination's key only if, between any two looks that a link has passed, one and the same
/// unique index kept that key unique, and no partition's old rows could lack a column of it.
///
/// - An index is the same if its number is, or its constraint's (`REINDEX … CONCURRENTLY` keeps that), or if it was built anew beside one
///   of its name that is gone. Giving a column another type has the server make its indexes anew within the command: that counts as
///   the same where one transaction wrote both.
/// - Switching a replica identity to an index and away from it writes the index's row in the catalog, and the partition's
///   not before: where neither shows it, it was not so.
struct IndexComparison {
    let table: TableSource
    let old: StorageRecord
    let now: FoundStorage

    func run() -> [StorageDoubt] {
        guard let before = old.unique, let after = now.record.unique else { return [] }
        return lostKeys(before, after) + otherIdentities(before, after)
    }

    private func lostKeys(_ before: [UInt32: StorageRecord.UniqueIndex], _ after: [UInt32: StorageRecord.UniqueIndex])
        -> [StorageDoubt]
    {
        var keys: [[String]] = []
        for key in table.keys.map(\.columns) where !keys.contains(key) { keys.append(key) }
        return keys.compactMap { key in
            let columns = Set(key.map(Identifier.init))
            let covering = after.filter { oid, _ in
                now.indexes[oid].map { $0.isExact && $0.columns.isSubset(of: columns) } ?? false
            }
            // Where the root has none, each partition has its own.
            let roots = covering.filter { $0.value.part == table.oid }
            let parts = roots.isEmpty ? Set(covering.values.map(\.part)).filter { old.parts[$0] != nil } : [table.oid]
            let isLost = parts.contains { part in
                !covering.contains { $0.value.part == part && wasThere($0.key, $0.value, before, after) }
            }
            guard isLost else { return nil }
            return StorageDoubt(part: table.oid, fault: .notUnique(key), isCertain: true)
        }
    }

    private func wasThere(
        _ oid: UInt32, _ index: StorageRecord.UniqueIndex, _ before: [UInt32: StorageRecord.UniqueIndex],
        _ after: [UInt32: StorageRecord.UniqueIndex]
    ) -> Bool {
        if before[oid] != nil { return true }
        let isOld = before.contains { number, other in
            guard other.part == index.part else { return false }
            if index.constraint != 0, other.constraint == index.constraint { return true }
            return now.indexes[oid]?.wasRebuilt == true && other.name == index.name && after[number] == nil
        }
        return isOld || isOfRetype(index)
    }

    private func isOfRetype(_ index: StorageRecord.UniqueIndex) -> Bool {
        now.record.columns.contains { number, column in
            column.transaction == index.version[...] && old.columns[number].map { $0.type != column.type } ?? false
        }
    }

    private func otherIdentities(
        _ before: [UInt32: StorageRecord.UniqueIndex], _ after: [UInt32: StorageRecord.UniqueIndex]
    ) -> [StorageDoubt] {
        guard table.isPartitioned, !table.neededIdentity.isEmpty else { return [] }
        return after.sorted { $0.key < $1.key }.compactMap { oid, index in
            guard let part = old.parts[index.part], now.facts[index.part]?.kind == "r",
                before[oid]?.version != index.version, let facts = now.indexes[oid], !facts.wasNeverIdentity,
                !facts.columns.isSuperset(of: table.neededIdentity), !isOfRetype(index)
            else { return nil }
            return StorageDoubt(part: index.part, fault: .otherIdentity(part.name), isCertain: true)
        }
    }
}
