import BPF
import CBPFShim
import Catalog
import Glibc
import KernelPlane
import Synchronization
import Testing

extension KernelSuite {
    /// One bucket charged by four threads through connect() in the kernel and by four through the mapped page.
    @Suite struct SharedBucketTests {
        private static let rate: UInt64 = 4000
        /// A second's worth: a busy machine that runs none of the takers for a while must not let the bucket run over.
        private static let burst: UInt64 = 4000

        @Test func nobodyIsAdmittedTwiceForOneUnit() throws {
            let run = try Self.hammer { mb_gcra_take($0, $1, $2, $3) == MB_GCRA_ADMITTED }
            #expect(run.kernel >= enough && run.user >= enough, "\(run)")
            #expect(run.total <= run.most, "\(run)")
            // And nothing was lost: what was not taken is still there.
            #expect(Double(run.total + run.left) >= Double(run.least) * 0.98, "\(run)")
        }

        /// With the clock held still a bucket gives out its burst and no more, however many take from it.
        @Test func atOneMomentOnlyTheBurstIsAdmitted() throws {
            #expect(try Self.drain { mb_gcra_take($0, $1, $2, $3) == MB_GCRA_ADMITTED } == Self.burst)
        }

        /// The same with the compare-and-swap left out, and two takers made to meet between reading and writing: that the
        /// difference is seen.
        @Test func aLostSwapWouldBeCaught() throws {
            let meeting = Meeting(of: 2)
            let taken = try Self.drain { tat, now, cost, tolerance in
                let old = mb_load_acquire(tat)
                let base = max(old, now)
                guard base - now <= tolerance - cost else { return false }
                meeting.attend()
                mb_store_release(tat, base + cost)
                return true
            }
            #expect(taken > Self.burst)
        }

        /// Two threads take all that a bucket has at one moment; what they got.
        private static func drain(_ take: @escaping Take) throws -> UInt64 {
            let word = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
            defer { word.deallocate() }
            word.initialize(to: 0)
            let (bucket, counting, now) = (Bucket(word), Counter(), monotonic())
            try onThreads(2) { _ in
                while bucket.take(at: now, take) { counting.admitted.add(1, ordering: .relaxed) }
            }
            return counting.admitted.load(ordering: .relaxed)
        }

        /// Holds the first to come until the last of them is there; whoever comes later passes.
        private final class Meeting: Sendable {
            private let missing: Atomic<Int>

            init(of count: Int) { missing = Atomic(count) }

            func attend() {
                guard missing.load(ordering: .acquiring) > 0 else { return }
                missing.subtract(1, ordering: .acquiringAndReleasing)
                while missing.load(ordering: .acquiring) > 0 { sched_yield() }
            }
        }

        private struct Run {
            /// Taken before both began on it.
            var first: UInt64
            var kernel: UInt64
            var user: UInt64
            /// What the bucket may have given out by the end, and what it must have had to give.
            var most: UInt64
            var least: UInt64
            /// In the bucket at the end.
            var left: UInt64
            var total: UInt64 { first + kernel + user }
        }

        private typealias Take = @Sendable (UnsafeMutablePointer<UInt64>, UInt64, UInt64, UInt64) -> Bool

        private static func hammer(_ take: @escaping Take) throws -> Run {
            var run = Run(first: 0, kernel: 0, user: 0, most: 0, least: 0, left: 0)
            try TestGround.with { ground in
                let entry = qos {
                    $0.connects = Rate(rate, per: .second)
                    $0.connectBurst = burst
                }
                let governed = try Governed(ground, [ModelEntry(name: "m", qos: entry)])
                guard let pin = try Pin.open(ground.location.pinDirectory + "/maps/buckets") else { throw Failure("no pin") }
                let buckets = try MappedArray<mb_bucket>(pin, name: "buckets")
                let index = Int(try governed.slot()) * Int(MB_BUCKETS_PER_MODEL) + Int(LimitKind.connects.rawValue)
                let bucket = Bucket(UnsafeMutableRawPointer(buckets.element(index)).assumingMemoryBound(to: UInt64.self))
                let app = try ground.peer("app")
                let counting = Counter()
                // A bucket that is full takes nothing in: until it is empty there is no telling what it may have lost.
                let begin = monotonic()
                var first: UInt64 = 0
                while bucket.take(take) { first += 1 }
                let running = monotonic()
                try app.start("hammer('127.70.0.1', \(governed.port), 2, 0, 4, good=\(enough))")
                let table = governed.broker.plane.qos
                try onThreads(4) { index in
                    // Both take part at the same time, however long the machine takes over it.
                    var isOver = false
                    while !isOver {
                        for _ in 0..<1000 {
                            if bucket.take(take) { counting.admitted.add(1, ordering: .relaxed) } else { sched_yield() }
                        }
                        let admitted = (try? table.model("m")?.buckets[.connects]?.admitted) ?? 0
                        let time = monotonic() - running
                        isOver = time > 2_000_000_000 && admitted >= enough || time > 30_000_000_000
                    }
                }
                let seen = pairs(try app.answer())
                let least = monotonic() - running
                let reading = try governed.qos().buckets[.connects]
                let most = monotonic() - begin
                let kernel = reading?.admitted ?? 0
                guard Double(kernel) == seen["ok"] else { throw Failure("counted \(kernel), seen \(seen)") }
                run = Run(
                    first: first, kernel: kernel, user: counting.admitted.load(ordering: .relaxed),
                    most: most * rate / 1_000_000_000 + burst, least: least * rate / 1_000_000_000 + first,
                    left: reading?.level ?? 0)
            }
            return run
        }

        private final class Counter: Sendable {
            let admitted = Atomic<UInt64>(0)
        }

        /// The bucket's word in the mapped page, which outlives the threads; they touch it with atomics only.
        private struct Bucket: @unchecked Sendable {
            private let tat: UnsafeMutablePointer<UInt64>

            init(_ tat: UnsafeMutablePointer<UInt64>) { self.tat = tat }

            func take(_ take: Take) -> Bool { self.take(at: monotonic(), take) }

            func take(at now: UInt64, _ take: Take) -> Bool {
                let period = 1_000_000_000 / SharedBucketTests.rate
                return take(tat, now, period, period * SharedBucketTests.burst)
            }
        }
    }
}

/// Units that kernel and user space each get at least, so that the test says something of both.
private let enough: UInt64 = 50

private func monotonic() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
