import Connectors
import JSON

/// A source's table as a binding's destination speaks of it. Whatever is below the transactor knows these names and types only.
extension TableShape {
    /// Fields stay where they are; columns that the binding leaves out keep their names and are not stored.
    func stored(by binding: LinkBinding) -> TableShape {
        let computed = generated.filter { binding.obstacle(to: $0) == nil }
        guard
            columns.contains(where: { !binding.takes($0.name) }) || !binding.names.isEmpty || !binding.types.isEmpty
                || computed.count < generated.count
        else { return self }
        let columns = columns.map { column in
            var stored = column
            stored.isStored = binding.takes(column.name)
            guard stored.isStored else { return stored }
            stored.name = binding.destinationName(of: column.name)
            if let type = binding.types[JSONKey(column.name)] { stored.take(type) }
            return stored
        }
        return TableShape(
            table: table, namespace: namespace, name: name, columns: columns,
            types: types(behind: columns.filter(\.isStored).map(\.type), computed),
            generated: computed.map { column in
                var stored = column
                stored.name = binding.destinationName(of: column.name)
                return stored
            })
    }

    /// The user-defined types that columns of some types need, and computed ones, in their order: none that only columns have which are
    /// left out, or kept as text.
    private func types(behind names: [String], _ computed: [GeneratedColumn]) -> [TypeDefinition] {
        var needed = types.map { type in computed.contains { $0.expression.contains(type.name) } }
        var waiting = names + computed.map(\.type) + zip(types, needed).filter(\.1).map { $0.0.quoted }
        var visited: Set<Int> = []
        while let name = waiting.popLast() {
            guard let named = TypeName(name).qualified,
                let index = types.firstIndex(where: {
                    $0.schema.isSameName(as: named.schema) && $0.name.isSameName(as: named.name)
                }),
                visited.insert(index).inserted
            else { continue }
            needed[index] = true
            switch types[index].kind {
            case .domain(let definition): waiting.append(definition)
            case .composite(let attributes): waiting += attributes.map(\.type)
            case .enumeration, .extensionType: break
            }
        }
        return zip(types, needed).filter(\.1).map(\.0)
    }

    /// The columns that are stored.
    var storedColumns: [ColumnShape] { columns.filter(\.isStored) }

    /// The highest number of a column, stored or not, or computed.
    var highest: Int { (columns.compactMap(\.attribute) + generated.map(\.attribute)).max() ?? 0 }
}

extension ColumnShape {
    fileprivate mutating func take(_ type: FieldType) {
        isBinarySafe = false
        collation = nil
        switch type {
        case .text:
            self.type = "text"
            typeOID = 25
            typeModifier = -1
        case .declared(let definition):
            self.type = definition
            isDeclared = true
            isNotNull = false
        }
    }
}

extension LinkSpec {
    /// The link with the bindings' keys by the destination's names.
    var atDestination: LinkSpec {
        var link = self
        link.bindings = bindings.map(\.atDestination)
        return link
    }
}

extension LinkBinding {
    /// The binding with its key by the destination's names.
    var atDestination: LinkBinding {
        var binding = self
        binding.key = key.map(destinationName)
        return binding
    }
}
