/// Facts about the server's own types, by OID (pg_type.dat; they never change).
enum BuiltInTypes {
    /// Types whose binary form means the same to every server: it carries no OID and no collation.
    static let binarySafe: Set<UInt32> = {
        let scalars: [UInt32] = [
            16, 17, 18, 19, 20, 21, 23, 25, 114, 142, 600, 601, 602, 603, 604, 628, 650, 700, 701, 718, 774, 829, 869,
            1042, 1043, 1082, 1083, 1114, 1184, 1186, 1266, 1560, 1562, 1700, 2950, 3802, 3904, 3906, 3908, 3910, 3912,
            3926,
        ]
        let arrays: [UInt32] = [
            1000, 1001, 1002, 1003, 1005, 1007, 1009, 1014, 1015, 1016, 1021, 1022, 1041, 1115, 1182, 1183, 1185, 1187,
            1231, 1270, 2951, 3807, 199,
        ]
        return Set(scalars + arrays)
    }()

    /// int8, int2, int4.
    static let integers: Set<UInt32> = [20, 21, 23]
    /// bool, bytea, uuid, "char", name: their text sorts byte by byte as their values do.
    static let bytewise: Set<UInt32> = [16, 17, 2950]
    /// text, varchar: byte by byte under collation C only.
    static let texts: Set<UInt32> = [25, 1043]
}
