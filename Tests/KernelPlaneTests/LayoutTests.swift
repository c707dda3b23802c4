import BPF
import Testing

@testable import KernelPlane

@Suite struct LayoutConversionTests {
    private typealias Leaf = MapLayout.Leaf

    @Test func partsAreMovedByTheirNames() throws {
        let old = [
            Leaf("a", .integer, offset: 0, size: 4), Leaf("gone", .integer, offset: 4, size: 4),
            Leaf("t", .bytes, offset: 8, size: 2),
        ]
        let new = [
            Leaf("new", .integer, offset: 0, size: 4), Leaf("t", .bytes, offset: 4, size: 4),
            Leaf("a", .integer, offset: 8, size: 8),
        ]
        let conversion = try LayoutConversion(from: old, to: new, size: 16)
        #expect(
            conversion.convert([1, 2, 3, 4, 9, 9, 9, 9, 7, 8]) == [0, 0, 0, 0, 7, 8, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0],
            "what is wider is followed by zeros")
        #expect(conversion.convert([1, 2]).count == 16)
    }

    @Test func whatWouldLoseSomethingIsImpossible() {
        let wide = [Leaf("x", .integer, offset: 0, size: 8)]
        #expect(throws: LayoutConversion.Impossible.self) {
            try LayoutConversion(from: wide, to: [Leaf("x", .integer, offset: 0, size: 4)], size: 4)
        }
        #expect(throws: LayoutConversion.Impossible.self) {
            try LayoutConversion(from: wide, to: [Leaf("x", .bytes, offset: 0, size: 8)], size: 8)
        }
    }
}

@Suite struct MapAdoptionTests {
    private func layout(
        type: UInt32 = 2, entries: UInt32 = 4, flags: UInt32 = 0,
        key: [MapLayout.Leaf] = [.init("", .integer, offset: 0, size: 4)],
        value: [MapLayout.Leaf] = [.init("a", .integer, offset: 0, size: 8)]
    ) -> MapLayout {
        MapLayout(
            shape: MapShape(type: type, keySize: 4, valueSize: 8, maxEntries: entries, flags: flags), key: key, value: value)
    }

    private func decide(_ map: PlaneMap, _ pinned: MapLayout?, same: Bool = false) throws -> MapAdoption {
        try MapAdoption.decide(map, pinned: pinned, needed: layout(), sameVersion: same)
    }

    @Test func whatFitsIsUsedAsItIs() throws {
        for map in PlaneMap.allCases {
            #expect(try decide(map, layout(), same: true) == .reuse)
            #expect(try decide(map, nil) == .make)
        }
        #expect(try decide(.settings, layout()).isCarried, "they say of which version they are")
        #expect(try decide(.events, layout()) == .make, "records of another version are not read")
        #expect(try decide(.workloads, layout()) == .reuse)
    }

    @Test func anotherLayoutIsCarriedOver() throws {
        let moved = layout(value: [.init("a", .integer, offset: 4, size: 4)])
        for map in PlaneMap.allCases where [.content, .counts].contains(map.holding) { #expect(try decide(map, moved).isCarried) }
        #expect(try decide(.models, layout(flags: 1024)).isCarried)
        #expect(try decide(.models, layout(entries: 3)).isCarried)
        #expect(try decide(.events, moved, same: true) == .make)
    }

    @Test func whatCannotBeIsRefused() {
        let moved = layout(value: [.init("a", .integer, offset: 4, size: 4)])
        for map in PlaneMap.allCases where map.holding == .connections {
            let error = #expect(throws: LayoutConversion.Impossible.self) { try decide(map, moved) }
            #expect(error?.reason.contains("open connections") == true)
        }
        let others = [
            layout(type: 1), layout(type: 6), layout(entries: 5), layout(key: [.init("gone", .integer, offset: 0, size: 4)]),
            layout(value: [.init("a", .bytes, offset: 0, size: 8)]),
        ]
        for other in others { #expect(throws: LayoutConversion.Impossible.self) { try decide(.models, other, same: true) } }
    }
}

@Suite struct LayoutNotesTests {
    private func own() throws -> LayoutNotes { try LayoutNotes(try BPFObject.capture(), .own) }

    @Test func theyDescribeWhatTheProgramsNeed() throws {
        let notes = try own()
        #expect(notes.maps.count == PlaneMap.allCases.count)
        let limits = notes.maps["models"]?.value.filter { $0.path.hasSuffix("limits[1].burst") }
        #expect(
            limits?.map(\.path) == [
                "qos[0].limits[1].burst", "qos[1].limits[1].burst", "file.limits[1].burst", "live.limits[1].burst",
            ])
        #expect(notes.maps["models"]?.value.contains { $0.path == "name" && $0.kind == .bytes && $0.size == 256 } == true)
        #expect(notes.maps["endpoint_sets"]?.value.contains { $0.path == "endpoints[31].addr_be[3]" } == true)
        #expect(notes.maps["counters"]?.value == [.init("", .integer, offset: 0, size: 8)])
        #expect(notes.maps["settings"]?.value.contains { $0.path.contains("pad") } == false)
        #expect(notes.text.utf8.count < LayoutNotes.capacity / 2, "room to grow")
    }

    /// What is added up is whole words, and what is not has the names that it is looked for under.
    @Test func countsAreWords() throws {
        let notes = try own()
        for map in PlaneMap.allCases {
            #expect((map.holding == .counts) == (map.carried != nil), "\(map)")
            guard map.carried != nil else { continue }
            let layout = try #require(notes.maps[map.rawValue])
            #expect(layout.value.allSatisfy { $0.size == 8 && $0.offset % 8 == 0 }, "\(map)")
            #expect(layout.shape.keySize <= 16 && map.rising.isSubset(of: layout.value.map(\.path)), "\(map)")
        }
    }

    @Test func theyRoundTrip() throws {
        let notes = try own()
        #expect(LayoutNotes(notes.text) == notes)
    }

    @Test(
        arguments: [
            "", "version 1", "version x floor 1", "version 1 floor 1\nversion 2 floor 1", "version 1 floor 1\nk i 0 4 a",
            "version 1 floor 1\nmap 1 2 3 4 m", "version 1 floor 1\nmap 1 4 4 4 0 m\nk i 2 4 a",
            "version 1 floor 1\nmap 1 4 4 4 0 m\nv i 4294967295 4294967295 a", "version 1 floor 1\nmap 1 4 4 4 0 m\nv x 0 4 a",
            "version 1 floor 1\nmap 1 4 4 4 0 m\nv i 0 0 a", "version 1 floor 1\nmap 1 4 4 4 0 m\nsomething else",
        ])
    func whatIsNoneIsNotTaken(text: String) { #expect(LayoutNotes(text) == nil) }
}

@Suite struct ABIVersionTests {
    private let notes = LayoutNotes(version: 9, floor: 4, maps: [:])

    @Test func olderOnesAreTakenDownToTheFloor() throws {
        let abi = ABIVersion(number: 6, floor: 3)
        try abi.checkAdoptable(6, notes: nil, pinDirectory: "p")
        try abi.checkAdoptable(3, notes: notes, pinDirectory: "p")
        #expect(throws: KernelPlaneError.self) { try abi.checkAdoptable(2, notes: notes, pinDirectory: "p") }
        #expect(throws: KernelPlaneError.self) { try abi.checkAdoptable(5, notes: nil, pinDirectory: "p") }
        try ABIVersion(number: 3, floor: 2).checkAdoptable(2, notes: nil, pinDirectory: "p")
    }

    @Test func whoeverOnlyReadsIsToldWhichProgramCan() throws {
        let abi = ABIVersion(number: 4, floor: 2)
        try abi.checkReadable(4, pinDirectory: "p")
        try abi.checkReadable(0, pinDirectory: "p")
        for version: UInt32 in [3, 5] {
            let error = #expect(throws: KernelPlaneError.self) { try abi.checkReadable(version, pinDirectory: "p") }
            #expect(error?.hint.contains("use the `modelbroker` that came with the agent that runs") == true)
            #expect(error?.hint.contains("detach") == false, "whoever reads needs not end what works")
        }
        let error = #expect(throws: KernelPlaneError.self) { try abi.checkAdoptable(5, notes: nil, pinDirectory: "p") }
        #expect(error?.hint.contains("detach") == true)
    }

    @Test func newerOnesAreTakenIfTheySayThatTheyCanBe() throws {
        try ABIVersion(number: 4, floor: 1).checkAdoptable(9, notes: notes, pinDirectory: "p")
        let error = #expect(throws: KernelPlaneError.self) {
            try ABIVersion(number: 3, floor: 1).checkAdoptable(9, notes: notes, pinDirectory: "p")
        }
        #expect(error?.hint.contains("layout version 9, this program has 3") == true)
        #expect(throws: KernelPlaneError.self) {
            try ABIVersion(number: 4, floor: 1).checkAdoptable(9, notes: nil, pinDirectory: "p")
        }
    }
}
