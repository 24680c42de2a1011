/// Sizes and spans of time for people.
public enum Quantity {
    /// `0 B`, `999 B`, `1.2 MB`, `340 GB`: powers of a thousand, two digits below ten.
    public static func bytes(_ count: Int64) -> String {
        var size = Double(max(0, count))
        guard size >= 1000 else { return "\(max(0, count)) B" }
        for unit in ["kB", "MB", "GB", "TB"] {
            size /= 1000
            if size < 9.95 { return "\(Int((size * 10).rounded()) / 10).\(Int((size * 10).rounded()) % 10) \(unit)" }
            if size < 999.5 { return "\(Int(size.rounded())) \(unit)" }
        }
        return "\(Int((size / 1000).rounded())) PB"
    }

    /// `3 s`, `4 min`, `2 h`, `5 d`: rounded down.
    public static func seconds(_ count: Int64) -> String {
        let seconds = max(0, count)
        switch seconds {
        case ..<120: return "\(seconds) s"
        case ..<7200: return "\(seconds / 60) min"
        case ..<172_800: return "\(seconds / 3600) h"
        default: return "\(seconds / 86_400) d"
        }
    }
}
