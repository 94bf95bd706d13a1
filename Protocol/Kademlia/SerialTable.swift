/// Values under ascending numbers that are never used again. Iteration is by number, the same in every process.
struct SerialTable<Value> {
    private var items: [(number: UInt64, value: Value)] = []
    private var lastNumber: UInt64 = 0

    var count: Int { self.items.count }
    var isEmpty: Bool { self.items.isEmpty }
    var numbers: [UInt64] { self.items.map(\.number) }
    var values: some Sequence<Value> { self.items.lazy.map(\.value) }

    subscript(number: UInt64) -> Value? { self.index(of: number).map { self.items[$0].value } }

    mutating func insert(_ value: Value) -> UInt64 {
        self.lastNumber += 1
        self.items.append((self.lastNumber, value))
        return self.lastNumber
    }

    /// Changes a value in place; nil when there is none.
    mutating func update<Result>(_ number: UInt64, _ body: (inout Value) -> Result) -> Result? {
        guard let index = self.index(of: number) else { return nil }
        return body(&self.items[index].value)
    }

    mutating func remove(_ number: UInt64) -> Value? {
        guard let index = self.index(of: number) else { return nil }
        return self.items.remove(at: index).value
    }

    private func index(of number: UInt64) -> Int? {
        var low = 0
        var high = self.items.count
        while low < high {
            let middle = (low + high) / 2
            if self.items[middle].number < number { low = middle + 1 } else { high = middle }
        }
        return low < self.items.count && self.items[low].number == number ? low : nil
    }
}

extension SerialTable: Sendable where Value: Sendable {}
