import Catalog
import Control
import Testing

@testable import Agent

@Suite struct EngineLoadTests {
    @Test(arguments: [
        ("vllm:num_requests_running{model_name=\"a\"} 3.0\nvllm:num_requests_waiting{model_name=\"a\"} 2.0\n", 5),
        ("vllm:num_requests_running{engine=\"0\"} 3\nvllm:num_requests_running{engine=\"1\"} 4\n", 7),
        ("# HELP x\n# TYPE y gauge\nsglang:num_running_reqs 7 1700000000\r\nsglang:num_queue_reqs 0.0", 7),
        (
            "nv_trt_llm_request_metrics{model=\"m\",request_type=\"waiting\"} 1\n"
                + "nv_trt_llm_request_metrics{model=\"m\",request_type=\"scheduled\",version=\"1\"} 4\n"
                + "nv_trt_llm_request_metrics{model=\"m\",request_type=\"max\"} 512\n", 5
        ),
        ("trtllm_num_requests_waiting 2", 2), ("nv_inference_pending_request_count{model=\"m\"} 6", 6),
        ("vllm:num_requests_running{model_name=\"a}b\\\"} 9\"} 3\n", 3),
        ("vllm:num_requests_running 1e3\n", 1000), ("vllm:num_requests_running -4\n", 0),
        ("vllm:num_requests_running 1e300\n", Int(UInt32.max)),
    ])
    func readsWhatEnginesSay(_ page: String, _ load: Int) {
        #expect(EngineLoad.parse(Array(page.utf8)) == UInt32(load))
    }

    @Test(arguments: [
        "", "\n\n", "vllm:num_requests_running", "vllm:num_requests_running NaN", "vllm:num_requests_running +Inf",
        "vllm:num_requests_running{", "vllm:num_requests_running{a=\"} 1", "vllm:num_requests_runningx 3",
        "# vllm:num_requests_running 3", "nv_trt_llm_request_metrics 5",
        "nv_trt_llm_request_metrics{x_request_type=\"waiting\"} 5", "nv_trt_llm_request_metrics{} 5", "process_cpu 3",
        "vllm:num_requests_running \u{0}3", "{\"error\": 1}",
    ])
    func saysNothingWhereNothingIsSaid(_ page: String) {
        #expect(EngineLoad.parse(Array(page.utf8)) == nil)
    }

    @Test func everyPrefixOfAPageCanBeRead() {
        let page = Array("vllm:num_requests_running{model_name=\"a\\\"\"} 3.0\nsglang:num_queue_reqs 2\n\u{FF}".utf8)
        for length in page.indices { _ = EngineLoad.parse(Array(page[..<length])) }
    }

    @Test func whatIsStaleSaysNothing() {
        let key = EndpointKey(url: "http://a", address: SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 1))
        let other = EndpointKey(url: "http://b", address: SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 2))
        var book = LoadBook()
        book.adopt([key: 5000])
        book.take(key, 7, now: 10_000)
        book.take(other, 9, now: 10_000)
        #expect(book.loads(now: 14_999) == [key: LoadReading(load: 7)])
        #expect(book.loads(now: 15_000) == [:])
        book.take(key, 8, now: 20_000)
        book.adopt([key: 100, other: 100])
        #expect(book.loads(now: 20_050) == [key: LoadReading(load: 8, number: 2)])
        book.adopt([:])
        #expect(book.loads(now: 20_050) == [:])
    }

    /// The same again says that others have changed as ours have: it is told, but for those with nothing to do.
    @Test func readingsAreTold() {
        let key = EndpointKey(url: "http://a", address: SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 1))
        var book = LoadBook()
        book.adopt([key: 5000])
        var numbers: [UInt32?] = []
        for load in [0, 0, 3, 3, 0, 0, 0, 1] as [UInt32] {
            book.take(key, load, now: 10_000)
            numbers.append(book.loads(now: 10_000)[key]?.number)
        }
        #expect(numbers == [1, 1, 2, 3, 4, 4, 4, 5])
    }

    @Test func eachServerIsAskedOnce() {
        let address = SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 1)
        let endpoint = Endpoint(
            host: "a", port: 1, authority: "a", addresses: [address], metrics: EngineMetrics(path: "/m", period: 1, staleAfter: 9)
        )
        let catalog = Catalog(
            models: [Model(name: "x", endpoints: [endpoint]), Model(name: "y", endpoints: [endpoint])])
        let errands = catalog.metricsErrands
        #expect(errands.map(\.errand) == [Errand(purpose: .metrics, url: "http://a", address: address)])
        #expect(errands.first?.plan.period == 100_000_000, "not more often than ten times a second")
        #expect(errands.first?.staleAfter == 9_000_000)
        #expect(errands.first.map { String(decoding: $0.plan.request, as: UTF8.self).hasPrefix("GET /m HTTP/1.1\r\n") } == true)
    }
}
