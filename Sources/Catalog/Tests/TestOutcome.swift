import Diagnostics
import JSON

/// What became of one test.
public struct TestOutcome: Sendable {
    /// One thing that is not as the test expects it.
    public struct Failure: Sendable {
        /// The step's place in the test, from 0.
        public let step: Int
        /// What is wrong, at the step.
        public let diagnostic: Diagnostic
        /// The document that the step lists; nil for one that it doesn't.
        public let expected: JSONValue?
        /// The document of the collection; nil where there is none.
        public let found: JSONValue?

        /// Both documents as one text, a line each, marked where they differ.
        public var diff: [String] {
            expected == nil && found == nil ? [] : DocumentDiff.lines(found: found, expected: expected)
        }
    }

    /// The test.
    public let test: TestSpec
    /// In the order found; empty for a test that passes.
    public let failures: [Failure]

    /// Whether everything is as expected.
    public var isPassed: Bool { failures.isEmpty }
}
