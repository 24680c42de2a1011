/// A growable array of plain values in one malloc'd block, for the path of a row: no reference counts, no
/// uniqueness checks, no bounds checks beyond `debug` ones. Its owner frees it with `deallocate`.
public struct GrowingBuffer<Element: BitwiseCopyable> {
    public private(set) var base: UnsafeMutablePointer<Element>
    public private(set) var count = 0
    public private(set) var capacity: Int

    public init(capacity: Int = 64) {
        self.capacity = max(capacity, 1)
        base = .allocate(capacity: self.capacity)
    }

    /// Frees the block. The buffer must not be used afterwards.
    public func deallocate() {
        base.deallocate()
    }

    public subscript(index: Int) -> Element {
        get {
            assert(index >= 0 && index < count)
            return base[index]
        }
        nonmutating set {
            assert(index >= 0 && index < count)
            base[index] = newValue
        }
    }

    public mutating func append(_ element: Element) {
        if count == capacity { grow(by: 1) }
        base[count] = element
        count += 1
    }

    /// Copies `length` elements from `source` to the end; returns the index of the first.
    @discardableResult
    public mutating func append(from source: UnsafePointer<Element>, count length: Int) -> Int {
        let start = count
        if count + length > capacity { grow(by: length) }
        (base + count).update(from: source, count: length)
        count += length
        return start
    }

    /// Forgets the elements and keeps the block.
    public mutating func removeAll() {
        count = 0
    }

    /// Drops elements from the end until `newCount` are left.
    public mutating func truncate(to newCount: Int) {
        count = min(count, max(newCount, 0))
    }

    public var elements: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: base, count: count) }

    /// Bytes of the block, used or not.
    public var footprint: Int { capacity * MemoryLayout<Element>.stride }

    @inline(never) private mutating func grow(by extra: Int) {
        let wanted = max(capacity * 2, count + extra)
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: wanted)
        larger.update(from: base, count: count)
        base.deallocate()
        base = larger
        capacity = wanted
    }
}
