/// A binary heap ordered by time, then by order of arrival: no ties, so no chance.
struct EventQueue<Event> {
    private struct Item {
        var time: UInt64
        var serial: UInt64
        var event: Event

        static func before(_ a: Item, _ b: Item) -> Bool {
            a.time == b.time ? a.serial < b.serial : a.time < b.time
        }
    }

    private var heap: [Item] = []
    private var serial: UInt64 = 0

    var nextTime: UInt64? { heap.first?.time }

    mutating func push(_ event: Event, at time: UInt64) {
        serial += 1
        heap.append(Item(time: time, serial: serial, event: event))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard Item.before(heap[child], heap[parent]) else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func pop() -> (time: UInt64, event: Event)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        return (first.time, first.event)
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if Item.before(heap[child], heap[least]) { least = child }
            }
            guard least != parent else { return }
            heap.swapAt(least, parent)
            parent = least
        }
    }
}
