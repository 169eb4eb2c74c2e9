/// SplitMix64: small, fast, and the same everywhere, so that a seed is a whole run.
package struct SimulationRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    /// The finaliser: a bijection that spreads every input bit over the whole word.
    package static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A generator of its own for one part of the world, so that parts do not disturb each other's
    /// draws.
    package mutating func split() -> SimulationRandom { SimulationRandom(seed: next()) }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

    mutating func pick<T>(_ values: [T]) -> T {
        values[Int.random(in: 0..<values.count, using: &self)]
    }

    mutating func within(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    /// Between the bounds, with every order of magnitude equally likely.
    mutating func spread(_ range: ClosedRange<Int>) -> Int {
        let low = range.lowerBound
        var high = range.upperBound
        while high > max(low, 1) * 4, chance(50) { high /= 4 }
        return within(low...max(low, high))
    }
}
