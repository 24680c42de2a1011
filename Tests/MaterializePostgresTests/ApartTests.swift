import Connectors
import Postgres
import TestSupport
import Testing

@testable import MaterializePostgres

/// Two tables of a link, each stored by a writer of its own.
@Suite("several writers of a link")
struct ApartTests {
    private let shapes = ["one", "two"].map { TableShape.test([.int("id", key: true), .text("name")], name: $0) }

    private func link(_ destination: Destination, tasks: Int = 2) throws -> TestLink {
        let bindings = shapes.enumerated().map { index, shape in
            (LinkBinding.test(shape) { $0.index = index }, shape)
        }
        return try TestLink(destination.materialization { $0.tasks = tasks }, bindings)
    }

    /// Stores a row in each table, up to a place.
    private func store(_ link: TestLink, id: Int, at position: UInt64) throws {
        var builder = RowBuilder()
        builder.insert([.text("\(id)"), "x"])
        let rows = builder.finished()
        let parts = shapes.enumerated().map {
            StoredPart(binding: $0.offset, shape: $0.element, changes: .net(builder.changes))
        }
        try link.transactor.storeApart(
            parts, at: LinkCheckpoint(position: LogPosition(position), captureState: "at \(position)"), rows: rows,
            together: { for body in $0 { try body() } })
    }

    private func standing(_ destination: Destination) throws -> [String] {
        try destination.rows(
            """
            SELECT (SELECT count(*) FROM public.one), (SELECT count(*) FROM public.two), c.position, b.position
              FROM flow.checkpoints c JOIN flow.bindings b USING (materialization, capture) ORDER BY destination_table
            """)
    }

    @Test(
        "tables are ahead of the link until its own commit, and known to be by whoever opens it next, with any number of writers"
    )
    func ahead() throws {
        let destination = try Destination()
        let first = try link(destination)
        try store(first, id: 1, at: 0x70)
        #expect(try standing(destination) == ["1|1|0/64|0/70", "1|1|0/64|0/70"])
        first.close()
        let second = try link(destination, tasks: 1)
        #expect(second.transactor.checkpoint?.position == LogPosition(0x64))
        for binding in 0..<2 {
            let ahead = second.transactor.ahead(of: binding)
            #expect(ahead?.position == LogPosition(0x70) && ahead?.captureState == "at 112")
        }
        try second.transactor.commit(
            LinkCheckpoint(position: LogPosition(0x70), captureState: "at 112"), bindings: [:])
        #expect(second.transactor.ahead(of: 0) == nil)
        second.close()
        let third = try link(destination, tasks: 3)
        #expect(third.transactor.ahead(of: 0) == nil && third.transactor.ahead(of: 1) == nil)
        third.close()
    }

    @Test("a writer's commit changes nothing once a newer runner has opened the link")
    func fence() throws {
        let destination = try Destination()
        let old = try link(destination)
        try store(old, id: 1, at: 0x70)
        try old.transactor.commit(LinkCheckpoint(position: LogPosition(0x70), captureState: "{}"), bindings: [:])
        let new = try link(destination)
        let error = #expect(throws: RunError.self) { try store(old, id: 2, at: 0x80) }
        #expect(error?.kind == .fenced)
        #expect(try standing(destination) == ["1|1|0/70|0/70", "1|1|0/70|0/70"])
        old.close()
        new.close()
    }

    @Test("where all tables are one writer's, they are stored with the link's commit")
    func alone() throws {
        let destination = try Destination()
        let link = try link(destination, tasks: 1)
        try store(link, id: 1, at: 0x70)
        #expect(try standing(destination) == ["0|0|0/64|~", "0|0|0/64|~"])
        try link.transactor.commit(LinkCheckpoint(position: LogPosition(0x70), captureState: "{}"), bindings: [:])
        #expect(try standing(destination) == ["1|1|0/70|~", "1|1|0/70|~"])
        link.close()
    }
}
