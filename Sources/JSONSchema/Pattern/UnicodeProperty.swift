/// A property that `\p{…}` can name (ECMA-262, tables of binary properties and of General_Category, Script and
/// Script_Extensions): what a scalar must be to have it.
struct UnicodeProperty: Sendable {
    /// Whether a scalar has the property.
    let holds: @Sendable (Unicode.Scalar) -> Bool

    /// Finds a property by the text between the braces, names as exact as the standard wants them; nil for an unknown
    /// one.
    static func named(_ text: String) -> UnicodeProperty? {
        guard let sign = text.firstIndex(of: "=") else {
            return binary(text) ?? categories[text].map { category($0) }
        }
        let value = String(text[text.index(after: sign)...])
        switch text[..<sign] {
        case "General_Category", "gc": return categories[value].map { category($0) }
        case "Script", "sc": return UnicodeScript(value)?.property
        case "Script_Extensions", "scx": return UnicodeScript(value)?.withExtensions
        default: return nil
        }
    }

    /// A property that is a list of ranges.
    init(_ ranges: [ClosedRange<UInt32>]) {
        holds = { scalar in
            var low = 0
            var high = ranges.count
            while low < high {
                let middle = (low + high) / 2
                if ranges[middle].upperBound < scalar.value { low = middle + 1 } else { high = middle }
            }
            return low < ranges.count && ranges[low].contains(scalar.value)
        }
    }

    /// A property that a test of a scalar is.
    init(_ holds: @escaping @Sendable (Unicode.Scalar) -> Bool) {
        self.holds = holds
    }

    private static func category(_ members: [String]) -> UnicodeProperty {
        let mask = mask(members)
        return UnicodeProperty { mask & bit($0.properties.generalCategory) != 0 }
    }

    private static func binary(_ name: String) -> UnicodeProperty? {
        switch name {
        case "ASCII": UnicodeProperty { $0.isASCII }
        case "ASCII_Hex_Digit", "AHex": UnicodeProperty { $0.properties.isASCIIHexDigit }
        case "Alphabetic", "Alpha": UnicodeProperty { $0.properties.isAlphabetic }
        case "Bidi_Control", "Bidi_C": UnicodeProperty { $0.properties.isBidiControl }
        case "Bidi_Mirrored", "Bidi_M": UnicodeProperty { $0.properties.isBidiMirrored }
        case "Case_Ignorable", "CI": UnicodeProperty { $0.properties.isCaseIgnorable }
        case "Cased": UnicodeProperty { $0.properties.isCased }
        case "Changes_When_Casefolded", "CWCF": UnicodeProperty { $0.properties.changesWhenCaseFolded }
        case "Changes_When_Casemapped", "CWCM": UnicodeProperty { $0.properties.changesWhenCaseMapped }
        case "Changes_When_Lowercased", "CWL": UnicodeProperty { $0.properties.changesWhenLowercased }
        case "Changes_When_NFKC_Casefolded", "CWKCF": UnicodeProperty { $0.properties.changesWhenNFKCCaseFolded }
        case "Changes_When_Titlecased", "CWT": UnicodeProperty { $0.properties.changesWhenTitlecased }
        case "Changes_When_Uppercased", "CWU": UnicodeProperty { $0.properties.changesWhenUppercased }
        case "Dash": UnicodeProperty { $0.properties.isDash }
        case "Default_Ignorable_Code_Point", "DI": UnicodeProperty { $0.properties.isDefaultIgnorableCodePoint }
        case "Deprecated", "Dep": UnicodeProperty { $0.properties.isDeprecated }
        case "Diacritic", "Dia": UnicodeProperty { $0.properties.isDiacritic }
        case "Emoji": UnicodeProperty { $0.properties.isEmoji }
        case "Emoji_Modifier", "EMod": UnicodeProperty { $0.properties.isEmojiModifier }
        case "Emoji_Modifier_Base", "EBase": UnicodeProperty { $0.properties.isEmojiModifierBase }
        case "Emoji_Presentation", "EPres": UnicodeProperty { $0.properties.isEmojiPresentation }
        case "Extender", "Ext": UnicodeProperty { $0.properties.isExtender }
        case "Grapheme_Base", "Gr_Base": UnicodeProperty { $0.properties.isGraphemeBase }
        case "Grapheme_Extend", "Gr_Ext": UnicodeProperty { $0.properties.isGraphemeExtend }
        case "Hex_Digit", "Hex": UnicodeProperty { $0.properties.isHexDigit }
        case "IDS_Binary_Operator", "IDSB": UnicodeProperty { $0.properties.isIDSBinaryOperator }
        case "IDS_Trinary_Operator", "IDST": UnicodeProperty { $0.properties.isIDSTrinaryOperator }
        case "ID_Continue", "IDC": UnicodeProperty { $0.properties.isIDContinue }
        case "ID_Start", "IDS": UnicodeProperty { $0.properties.isIDStart }
        case "Ideographic", "Ideo": UnicodeProperty { $0.properties.isIdeographic }
        case "Join_Control", "Join_C": UnicodeProperty { $0.properties.isJoinControl }
        case "Logical_Order_Exception", "LOE": UnicodeProperty { $0.properties.isLogicalOrderException }
        case "Lowercase", "Lower": UnicodeProperty { $0.properties.isLowercase }
        case "Math": UnicodeProperty { $0.properties.isMath }
        case "Noncharacter_Code_Point", "NChar": UnicodeProperty { $0.properties.isNoncharacterCodePoint }
        case "Pattern_White_Space", "Pat_WS": UnicodeProperty { $0.properties.isPatternWhitespace }
        case "Quotation_Mark", "QMark": UnicodeProperty { $0.properties.isQuotationMark }
        case "Radical": UnicodeProperty { $0.properties.isRadical }
        case "Sentence_Terminal", "STerm": UnicodeProperty { $0.properties.isSentenceTerminal }
        case "Soft_Dotted", "SD": UnicodeProperty { $0.properties.isSoftDotted }
        case "Unified_Ideograph", "UIdeo": UnicodeProperty { $0.properties.isUnifiedIdeograph }
        case "Uppercase", "Upper": UnicodeProperty { $0.properties.isUppercase }
        case "Variation_Selector", "VS": UnicodeProperty { $0.properties.isVariationSelector }
        case "White_Space", "space": UnicodeProperty { $0.properties.isWhitespace }
        case "XID_Continue", "XIDC": UnicodeProperty { $0.properties.isXIDContinue }
        case "XID_Start", "XIDS": UnicodeProperty { $0.properties.isXIDStart }
        case "Any": UnicodeProperty { _ in true }
        case "Assigned": UnicodeProperty { $0.properties.generalCategory != .unassigned }
        default: UnicodeRanges.property(name).map { UnicodeProperty($0) }
        }
    }

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
