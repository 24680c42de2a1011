import Connectors

/// Where log positions can fall (xlog_internal.h): pages of 8 KiB begin with a header, longer on a segment's first page.
enum WALPage {
    static let size: UInt64 = 8192
    static let headerSizes: Set<UInt64> = [24, 40]

    /// A position that names the next record's place behind a page header names the end of the last record instead.
    static func endOfLastRecord(_ position: LogPosition) -> LogPosition {
        let offset = position.rawValue % size
        return headerSizes.contains(offset) ? LogPosition(position.rawValue - offset) : position
    }
}
