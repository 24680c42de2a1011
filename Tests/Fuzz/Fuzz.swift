import FuzzTrials
import Glibc

/// The trial that the environment's FUZZ_TRIAL names; YAML where it names none.
private let trial = getenv("FUZZ_TRIAL").flatMap { FuzzTrial(rawValue: String(cString: $0)) } ?? .yaml

/// One input of libFuzzer (llvm.org/docs/LibFuzzer.html), which has the program's `main`.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    trial.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}
