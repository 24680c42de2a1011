/// A property that `\p{…}` can name: general categories and the frequent binary ones. Scripts are not known.
enum UnicodeProperty: Sendable {
    /// A set of general categories, one bit each.
    case categories(UInt32)
    /// `Alphabetic`.
    case alphabetic
    /// `Uppercase`.
    case uppercase
    /// `Lowercase`.
    case lowercase
    /// `White_Space`.
    case whiteSpace
    /// `ASCII`.
    case ascii
    /// `Any`.
    case any
    /// `ASCII_Hex_Digit`.
    case asciiHexDigit
    /// `Hex_Digit`.
    case hexDigit
    /// `ID_Start`.
    case identifierStart
    /// `ID_Continue`.
    case identifierContinue
    /// `Emoji`.
    case emoji
    /// `Math`.
    case math
    /// `Dash`.
    case dash
    /// `Ideographic`.
    case ideographic
    /// `Default_Ignorable_Code_Point`.
    case defaultIgnorable

    /// Whether a scalar has the property.
    func holds(_ scalar: Unicode.Scalar) -> Bool {
        let properties = scalar.properties
        switch self {
        case .categories(let mask): return mask & Self.bit(properties.generalCategory) != 0
        case .alphabetic: return properties.isAlphabetic
        case .uppercase: return properties.isUppercase
        case .lowercase: return properties.isLowercase
        case .whiteSpace: return properties.isWhitespace
        case .ascii: return scalar.isASCII
        case .any: return true
        case .asciiHexDigit: return properties.isASCIIHexDigit
        case .hexDigit: return properties.isHexDigit
        case .identifierStart: return properties.isIDStart
        case .identifierContinue: return properties.isIDContinue
        case .emoji: return properties.isEmoji
        case .math: return properties.isMath
        case .dash: return properties.isDash
        case .ideographic: return properties.isIdeographic
        case .defaultIgnorable: return properties.isDefaultIgnorableCodePoint
        }
    }

    /// Finds a property by the text between the braces; nil for an unknown one.
    static func named(_ text: String) -> UnicodeProperty? {
        var name = text[...]
        for prefix in ["General_Category=", "gc="] where name.hasPrefix(prefix) {
            name = name.dropFirst(prefix.count)
            return categories[String(name)].map { .categories(mask($0)) }
        }
        return binary[text] ?? categories[text].map { .categories(mask($0)) }
    }

    private static let binary: [String: UnicodeProperty] = [
        "Alphabetic": .alphabetic, "Alpha": .alphabetic, "Uppercase": .uppercase, "Upper": .uppercase,
        "Lowercase": .lowercase, "Lower": .lowercase, "White_Space": .whiteSpace, "space": .whiteSpace,
        "ASCII": .ascii, "Any": .any, "ASCII_Hex_Digit": .asciiHexDigit, "AHex": .asciiHexDigit,
        "Hex_Digit": .hexDigit, "Hex": .hexDigit, "ID_Start": .identifierStart, "IDS": .identifierStart,
        "ID_Continue": .identifierContinue, "IDC": .identifierContinue, "Emoji": .emoji, "Math": .math,
        "Dash": .dash, "Ideographic": .ideographic, "Ideo": .ideographic,
        "Default_Ignorable_Code_Point": .defaultIgnorable, "DI": .defaultIgnorable,
        "Assigned": .categories(~mask(["Cn"])),
    ]

    /// The two-letter categories that each name stands for (Unicode, PropertyValueAliases).
    private static let categories: [String: [String]] = {
        let groups: [(names: [String], members: [String])] = [
            (["L", "Letter"], ["Lu", "Ll", "Lt", "Lm", "Lo"]), (["LC", "Cased_Letter"], ["Lu", "Ll", "Lt"]),
            (["M", "Mark", "Combining_Mark"], ["Mn", "Mc", "Me"]), (["N", "Number"], ["Nd", "Nl", "No"]),
            (["P", "Punctuation", "punct"], ["Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po"]),
            (["S", "Symbol"], ["Sm", "Sc", "Sk", "So"]), (["Z", "Separator"], ["Zs", "Zl", "Zp"]),
            (["C", "Other"], ["Cc", "Cf", "Cs", "Co", "Cn"]),
            (["Lu", "Uppercase_Letter"], ["Lu"]), (["Ll", "Lowercase_Letter"], ["Ll"]),
            (["Lt", "Titlecase_Letter"], ["Lt"]), (["Lm", "Modifier_Letter"], ["Lm"]),
            (["Lo", "Other_Letter"], ["Lo"]), (["Mn", "Nonspacing_Mark"], ["Mn"]), (["Mc", "Spacing_Mark"], ["Mc"]),
            (["Me", "Enclosing_Mark"], ["Me"]), (["Nd", "Decimal_Number", "digit"], ["Nd"]),
            (["Nl", "Letter_Number"], ["Nl"]), (["No", "Other_Number"], ["No"]),
            (["Pc", "Connector_Punctuation"], ["Pc"]), (["Pd", "Dash_Punctuation"], ["Pd"]),
            (["Ps", "Open_Punctuation"], ["Ps"]), (["Pe", "Close_Punctuation"], ["Pe"]),
            (["Pi", "Initial_Punctuation"], ["Pi"]), (["Pf", "Final_Punctuation"], ["Pf"]),
            (["Po", "Other_Punctuation"], ["Po"]), (["Sm", "Math_Symbol"], ["Sm"]),
            (["Sc", "Currency_Symbol"], ["Sc"]), (["Sk", "Modifier_Symbol"], ["Sk"]), (["So", "Other_Symbol"], ["So"]),
            (["Zs", "Space_Separator"], ["Zs"]), (["Zl", "Line_Separator"], ["Zl"]),
            (["Zp", "Paragraph_Separator"], ["Zp"]), (["Cc", "Control", "cntrl"], ["Cc"]), (["Cf", "Format"], ["Cf"]),
            (["Cs", "Surrogate"], ["Cs"]), (["Co", "Private_Use"], ["Co"]), (["Cn", "Unassigned"], ["Cn"]),
        ]
        var result: [String: [String]] = [:]
        for group in groups {
            for name in group.names { result[name] = group.members }
        }
        return result
    }()

    private static let order = [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po",
        "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn",
    ]

    private static func mask(_ members: [String]) -> UInt32 {
        members.reduce(0) { mask, member in
            order.firstIndex(of: member).map { mask | 1 << UInt32($0) } ?? mask
        }
    }

    private static func bit(_ category: Unicode.GeneralCategory) -> UInt32 {
        let place: UInt32 =
            switch category {
            case .uppercaseLetter: 0
            case .lowercaseLetter: 1
            case .titlecaseLetter: 2
            case .modifierLetter: 3
            case .otherLetter: 4
            case .nonspacingMark: 5
            case .spacingMark: 6
            case .enclosingMark: 7
            case .decimalNumber: 8
            case .letterNumber: 9
            case .otherNumber: 10
            case .connectorPunctuation: 11
            case .dashPunctuation: 12
            case .openPunctuation: 13
            case .closePunctuation: 14
            case .initialPunctuation: 15
            case .finalPunctuation: 16
            case .otherPunctuation: 17
            case .mathSymbol: 18
            case .currencySymbol: 19
            case .modifierSymbol: 20
            case .otherSymbol: 21
            case .spaceSeparator: 22
            case .lineSeparator: 23
            case .paragraphSeparator: 24
            case .control: 25
            case .format: 26
            case .surrogate: 27
            case .privateUse: 28
            case .unassigned: 29
            @unknown default: 29
            }
        return 1 << place
    }
}
