/// What a captured table looks like at one place in the log: its columns in order, with the source's own types.
///
/// Shapes are shared by reference: the same object means that nothing changed. A row of the table has one field for
/// each column, in this order.
public final class TableShape: Sendable {
    /// The table's number within its capture: the index of its capture binding.
    public let table: Int
    public let namespace: String
    public let name: String
    public let columns: [ColumnShape]
    /// User-defined types that the columns need, each after the ones it is made of.
    public let types: [TypeDefinition]
    /// Whether the log's old rows have every column.
    public let hasWholeOldRows: Bool
    /// Columns that rows have no field for: computed from the others.
    public let generated: [GeneratedColumn]

    public init(
        table: Int, namespace: String, name: String, columns: [ColumnShape], types: [TypeDefinition] = [],
        generated: [GeneratedColumn] = []
    ) {
        self.table = table
        self.namespace = namespace
        self.name = name
        self.columns = columns
        self.types = types
        hasWholeOldRows = columns.allSatisfy(\.isIdentity)
        self.generated = generated
    }

    /// Whether a row of one shape can be stored where the other was prepared for.
    public func isSame(as other: TableShape) -> Bool {
        self === other
            || (namespace.isSameName(as: other.namespace) && name.isSameName(as: other.name)
                && columns == other.columns && generated == other.generated)
    }

    /// Columns of these names, in their order; names that the table does not have are left out.
    public func columns(named names: [String]) -> [ColumnShape] {
        names.compactMap { name in columns.first { $0.name.isSameName(as: name) } }
    }

    public func index(of column: String) -> Int? {
        columns.firstIndex { $0.name.isSameName(as: column) }
    }
}

/// One column of a captured table.
public struct ColumnShape: Hashable, Sendable {
    public var name: String
    /// The type as DDL names it, schema-qualified where it is not built in: `numeric(10,2)`, `public.mood`, `text[]`.
    public var type: String
    /// The type's OID at the source, and its modifier (-1 for none).
    public var typeOID: UInt32
    public var typeModifier: Int32
    /// Whether both ends agree on the type's binary form: a built-in type that carries no OID of its own server.
    public var isBinarySafe: Bool
    /// Whether the value can be left out of an update because it is stored out of line (TOAST).
    public var isToastable: Bool
    /// The collation, quoted and qualified, where it is not the type's own; nil otherwise.
    public var collation: String?
    public var isNotNull: Bool
    /// Whether the log's old rows carry the column: it is part of the replica identity.
    public var isIdentity: Bool
    /// The column's number at the source; it stays when the column is renamed. Nil where the source no longer has it.
    public var attribute: Int?
    /// The value that rows from before the column was added have, as text in the column's own form.
    public var missingValue: String?
    /// False of a column that a destination leaves out.
    public var isStored = true
    /// Whether texts of other bytes can be equal here, by a nondeterministic collation. As the source's catalog has it now; no part of
    /// what a shape is.
    public var joinsTexts = false
    /// Whether the type is the catalog's word for the destination's column instead of the source's.
    public var isDeclared = false

    public init(
        name: String, type: String, typeOID: UInt32, typeModifier: Int32 = -1, isBinarySafe: Bool = false,
        isToastable: Bool = false, collation: String? = nil, isNotNull: Bool = false, isIdentity: Bool = false,
        attribute: Int? = nil, missingValue: String? = nil
    ) {
        self.name = name
        self.type = type
        self.typeOID = typeOID
        self.typeModifier = typeModifier
        self.isBinarySafe = isBinarySafe
        self.isToastable = isToastable
        self.collation = collation
        self.isNotNull = isNotNull
        self.isIdentity = isIdentity
        self.attribute = attribute
        self.missingValue = missingValue
    }

    /// Names and values by their bytes.
    public static func == (left: ColumnShape, right: ColumnShape) -> Bool {
        func isSame(_ left: String?, _ right: String?) -> Bool {
            guard let left, let right else { return left == nil && right == nil }
            return left.isSameName(as: right)
        }
        return left.name.isSameName(as: right.name) && left.type.isSameName(as: right.type)
            && left.typeOID == right.typeOID && left.typeModifier == right.typeModifier
            && left.isBinarySafe == right.isBinarySafe && left.isToastable == right.isToastable
            && isSame(left.collation, right.collation) && left.isNotNull == right.isNotNull
            && left.isIdentity == right.isIdentity && left.attribute == right.attribute
            && isSame(left.missingValue, right.missingValue) && left.isStored == right.isStored
            && left.isDeclared == right.isDeclared
    }
}

/// A type that a destination must have before a column can be of it. Names are schema and type, unquoted.
public struct TypeDefinition: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case enumeration(labels: [String])
        /// `definition` is what follows `AS`: the base type and its constraints, as DDL.
        case domain(definition: String)
        /// `attributes` are name and DDL type.
        case composite(attributes: [Attribute])
        /// A type that comes with an extension, by the extension's name.
        case extensionType(extension: String)

        /// Labels, names and definitions by their bytes.
        public static func == (left: Kind, right: Kind) -> Bool {
            switch (left, right) {
            case (.enumeration(let labels), .enumeration(let others)): labels.areSameNames(as: others)
            case (.domain(let definition), .domain(let other)): definition.isSameName(as: other)
            case (.composite(let attributes), .composite(let others)):
                attributes.map(\.name).areSameNames(as: others.map(\.name))
                    && attributes.map(\.type).areSameNames(as: others.map(\.type))
            case (.extensionType(let name), .extensionType(let other)): name.isSameName(as: other)
            default: false
            }
        }
    }

    public struct Attribute: Hashable, Sendable {
        public var name: String
        public var type: String

        public init(name: String, type: String) {
            self.name = name
            self.type = type
        }
    }

    public var schema: String
    public var name: String
    public var kind: Kind

    public init(schema: String, name: String, kind: Kind) {
        self.schema = schema
        self.name = name
        self.kind = kind
    }

    public static func == (left: TypeDefinition, right: TypeDefinition) -> Bool {
        left.schema.isSameName(as: right.schema) && left.name.isSameName(as: right.name) && left.kind == right.kind
    }
}
