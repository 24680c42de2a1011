import Diagnostics
import JSON
import YAML

/// Runs a catalog's tests: pure, in memory, each beginning with empty collections.
public struct TestRun {
    private let catalog: CatalogSpecs

    /// Tests of a catalog without errors.
    public init(_ catalog: CatalogSpecs) { self.catalog = catalog }

    /// Runs one test to its end, or to the first document that can't be reduced.
    public func run(_ test: TestSpec) -> TestOutcome {
        var contents: [String: CollectionContent] = [:]
        var failures: [TestOutcome.Failure] = []
        for step in test.steps {
            guard let name = step.collection?.text, let collection = catalog.collection(name) else { continue }
            var content = contents[name] ?? CollectionContent(collection)
            switch step.kind {
            case .ingest:
                guard let failure = ingest(step, into: &content, test) else { break }
                return TestOutcome(test: test, failures: failures + [failure])
            case .verify: failures += verify(step, content, collection, test)
            }
            contents[name] = content
        }
        return TestOutcome(test: test, failures: failures)
    }

    private func ingest(
        _ step: TestSpec.Step, into content: inout CollectionContent, _ test: TestSpec
    ) -> TestOutcome.Failure? {
        for document in step.documents ?? [] {
            do {
                try content.add(document.value)
            } catch {
                let place = error.location.isRoot ? "" : " at '\(error.location)'"
                let diagnostic = Diagnostic.error(
                    .irreducible, "\(phrase(step, test)) can't reduce a document\(place): \(error.message)",
                    at: step.range, pointer: step.node.pointer.description,
                    notes: [.init("the document is given", at: document.range)])
                return TestOutcome.Failure(step: step.index, diagnostic: diagnostic, expected: nil, found: nil)
            }
        }
        return nil
    }

    // MARK: Verifying

    private func verify(
        _ step: TestSpec.Step, _ content: CollectionContent, _ collection: CollectionSpec, _ test: TestSpec
    ) -> [TestOutcome.Failure] {
        let selection = PartitionSelection(step.partitions, of: collection)
        let found = content.ordered.filter(selection.keeps)
        let misfits = found.compactMap { misfit($0, step, collection, test) }
        if !misfits.isEmpty { return misfits }
        let expected = step.documents ?? []
        if expected.count == found.count, zip(found, expected).allSatisfy({ DocumentDiff.covers($0, $1.value) }) {
            return []
        }
        let key = DocumentKey(of: collection)
        return pairs(expected, found, key).compactMap { expected, found in
            if let expected, let found, DocumentDiff.covers(found, expected.value) { return nil }
            let what: String
            switch (expected, found) {
            case (.none, let found?): what = "doesn't list the document of \(key.phrase(found))"
            case (let expected?, .none): what = "lists a document that is not there: \(key.phrase(expected.value))"
            default: what = "lists another document of \(found.map(key.phrase) ?? "")"
            }
            let notes = expected.map { [Diagnostic.Note("the document is listed", at: $0.range)] } ?? []
            return TestOutcome.Failure(
                step: step.index,
                diagnostic: .error(
                    .failedStep, "\(phrase(step, test)) \(what)", at: step.range,
                    pointer: step.node.pointer.description, notes: notes),
                expected: expected?.value, found: found)
        }
    }

    /// That a document can't be read: it doesn't fit the `readSchema`. One schema for both has been asked as it came in.
    private func misfit(
        _ document: JSONValue, _ step: TestSpec.Step, _ collection: CollectionSpec, _ test: TestSpec
    ) -> TestOutcome.Failure? {
        guard collection.readSchema != nil, let model = collection.model.read,
            let failure = model.compiled.validate(document).first
        else { return nil }
        let place = failure.instance.isRoot ? "" : "'\(failure.instance)': "
        let key = DocumentKey(of: collection)
        return TestOutcome.Failure(
            step: step.index,
            diagnostic: .error(
                .failedStep,
                "\(phrase(step, test)) can't read the document of \(key.phrase(document)): \(place)\(failure.message)",
                at: step.range, pointer: step.node.pointer.description,
                notes: model.range.map { [.init("the readSchema of \(collection.name.phrase) is given", at: $0)] } ?? []
            ),
            expected: nil, found: nil)
    }

    /// Listed documents with those that they most likely stand for, to show how they differ: by key where all have a
    /// whole and different one, else by place.
    private func pairs(
        _ expected: [Node], _ found: [JSONValue], _ key: DocumentKey
    ) -> [(expected: Node?, found: JSONValue?)] {
        let expectedKeys = expected.compactMap { key.whole(of: $0.value) }
        let foundKeys = found.map(key.values)
        let isKeyed =
            expectedKeys.count == expected.count && Set(expectedKeys).count == expected.count
            && Set(foundKeys).count == found.count
        guard isKeyed else {
            return (0..<max(expected.count, found.count)).map { place in
                (place < expected.count ? expected[place] : nil, place < found.count ? found[place] : JSONValue?.none)
            }
        }
        let foundByKey = Dictionary(zip(foundKeys, found), uniquingKeysWith: { first, _ in first })
        let known = Set(expectedKeys)
        let listed: [(Node?, JSONValue?)] = zip(expected, expectedKeys).map { ($0, foundByKey[$1]) }
        let others: [(Node?, JSONValue?)] = zip(found, foundKeys).compactMap { known.contains($1) ? nil : (nil, $0) }
        return listed + others
    }

    private func phrase(_ step: TestSpec.Step, _ test: TestSpec) -> String {
        let name = step.description.isEmpty ? "" : " (\(step.description))"
        return "step \(step.index + 1)\(name) of \(test.name.phrase)"
    }
}
