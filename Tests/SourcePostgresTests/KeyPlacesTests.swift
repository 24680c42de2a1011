import Testing

@testable import SourcePostgres

@Suite("the places of keys in their order")
struct KeyPlacesTests {
    private func order(_ sorting: [String]...) -> KeyOrder {
        KeyOrder(
            columns: sorting.enumerated().map { place, words in
                KeyOrder.Column(
                    index: place, name: "c\(place)", type: "text", collation: nil, comparison: .server, sorting: words)
            })
    }

    @Test("labels that an enum gets move nothing; renamed or exchanged ones, another collation, and other columns do")
    func places() {
        let then = [["0", "7 a", "9 b"], ["950"]]
        #expect(order(["0", "7 a", "9 b"], ["950"]).keepsPlaces(of: then))
        #expect(order(["0", "5 new", "7 a", "11 between", "9 b", "12 last"], ["950"]).keepsPlaces(of: then))
        #expect(!order(["0", "7 b", "9 a"], ["950"]).keepsPlaces(of: then))
        #expect(!order(["0", "7 a", "9 renamed"], ["950"]).keepsPlaces(of: then))
        #expect(!order(["0", "9 b", "7 a"], ["950"]).keepsPlaces(of: then))
        #expect(!order(["0", "7 a", "9 b"], ["100"]).keepsPlaces(of: then))
        #expect(!order(["0", "7 a", "9 b"]).keepsPlaces(of: then))
    }
}
