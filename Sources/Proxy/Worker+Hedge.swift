import Catalog
import Control
import Flow
import Reactor

/// The second connection of a flow, which races the first.
extension Worker {
    /// What the flow has yet to be told of its hedge.
    enum HedgeNews {
        case none
        case connected(reused: Bool)
        case failed(ConnectFault)
    }

    func connectHedge(_ connection: Connection, _ address: SocketAddress, tls: UInt16) {
        dropHedge(connection)
        let home = pool.home(address, tls: tls)
        if let kept = pool.take(home) {
            context.ledger.totals.upstreamReuses += 1
            join(kept, connection)
            return tell(connection, .connected(reused: true))
        }
        do throws(ConnectFault) {
            join(try open(address, tls: tls, home), connection)
        } catch {
            tell(connection, .failed(error))
        }
    }

    private func join(_ upstream: Upstream, _ connection: Connection) {
        upstream.user = connection
        upstream.isHedge = true
        connection.hedge = upstream
    }

    /// Leaves it for the end of this turn: the flow may have asked for other things beside, which come first.
    private func tell(_ connection: Connection, _ news: HedgeNews) {
        connection.hedgeNews = news
        queue(connection)
    }

    /// Tells the flow what has been left for it.
    func tellHedge(_ connection: Connection) {
        let news = connection.hedgeNews
        connection.hedgeNews = .none
        switch news {
        case .none: return
        case .connected(let reused):
            guard connection.hedge != nil else { return }
            connection.flow.hedgeConnected(reused: reused, &context, &out)
        case .failed(let fault): connection.flow.hedgeFailed(fault.reason, isOurs: fault.isOurs, &context, &out)
        }
        execute(connection, received: nil)
    }

    /// The hedge has won: what it has sent beyond the piece that decided comes from the upstream now.
    func promoteHedge(_ connection: Connection) {
        guard let hedge = connection.hedge else { return }
        connection.hedge = nil
        connection.hedgeNews = .none
        if let upstream = connection.upstream { Socket.resetOnClose(upstream.descriptor.number) }
        dropUpstream(connection, reusable: false)
        hedge.isHedge = false
        connection.upstream = hedge
        queue(connection)
    }

    /// Closes it: an answer may be on its way that nobody reads.
    func dropHedge(_ connection: Connection) {
        connection.hedgeNews = .none
        guard let hedge = connection.hedge else { return }
        connection.hedge = nil
        hedge.user = nil
        Socket.resetOnClose(hedge.descriptor.number)
        upstreams.remove(hedge.token)
    }
}
