/// Functions of `peerScript` that speak HTTP/1.1: an engine, and callers that count what they send and receive. Bodies hold
/// what could be taken for heads.
let peerMeterScript = """
    CRLF = bytes([13, 10])
    BAIT = (b'x' * 40 + CRLF + b'HTTP/1.1 500 No' + CRLF + CRLF + b'POST /y HTTP/1.1' + CRLF + b'Content-Length: 99' + CRLF) * 2

    def body(size):
        return (BAIT * (size // len(BAIT) + 1))[:size]

    def chunks(size, step):
        data = body(size)
        parts = [data[i:i + step] for i in range(0, size, step)]
        return b''.join(b'%x' % len(p) + CRLF + p + CRLF for p in parts) + b'0' + CRLF + CRLF

    class Wire:
        def __init__(self, s, dribble):
            self.s, self.dribble = s, dribble
            self.buffer = b''
            self.sent = self.received = 0
            s.setsockopt(6, 1, 1)

        def send(self, head, rest=b''):
            if self.dribble:
                for i in range(len(head)):
                    self.s.send(head[i:i + 1])
                self.sent += len(head)
                head = b''
            data = head + rest
            if data:
                self.s.sendall(data)
            self.sent += len(data)

        def more(self):
            data = self.s.recv(65536)
            self.received += len(data)
            self.buffer += data
            return len(data)

        def until(self, mark):
            while mark not in self.buffer:
                if not self.more():
                    return None
            head, self.buffer = self.buffer.split(mark, 1)
            return head

        def exactly(self, size):
            while len(self.buffer) < size:
                if not self.more():
                    return None
            data, self.buffer = self.buffer[:size], self.buffer[size:]
            return data

        def chunked(self):
            while True:
                size = int(self.until(CRLF), 16)
                self.exactly(size + 2)
                if size == 0:
                    return

        def head(self):
            text = self.until(CRLF + CRLF)
            if text is None:
                return None, None
            lines = text.split(CRLF)
            fields = dict(line.lower().split(b': ', 1) for line in lines[1:])
            return lines[0].split(b' '), fields

    def reply(wire, method, parts):
        kind, number = parts[0], int(parts[1])
        if kind == b'sse':
            head = b'HTTP/1.1 200 OK' + CRLF + b'content-type: text/event-stream' + CRLF + b'Transfer-Encoding: chunked' + CRLF + CRLF
            wire.send(head)
            for _ in range(number):
                event = b'data: {"choices": []}' + bytes([10, 10])
                wire.send(b'%x' % len(event) + CRLF + event + CRLF)
            wire.send(b'0' + CRLF + CRLF)
            return
        status = parts[2]
        if kind == b'unframed':
            wire.send(b'HTTP/1.1 ' + status + b' So' + CRLF + b'Connection: close' + CRLF + CRLF, body(number))
            wire.s.shutdown(1)
            return
        if kind == b'interim':
            wire.send(b'HTTP/1.1 100 Continue' + CRLF + CRLF)
        bare = method == b'HEAD' or status in (b'204', b'304')
        head = b'HTTP/1.1 ' + status + b' So' + CRLF
        if status != b'204':
            head += b'X-Long: ' + b'z' * 150 + CRLF + b'CONTENT-length: %d' % number + CRLF
        wire.send(head + CRLF, b'' if bare else body(number))

    def engine(key, dribble=False):
        def one(s):
            wire = Wire(s, dribble)
            try:
                while True:
                    line, fields = wire.head()
                    if line is None:
                        return
                    if b'content-length' in fields:
                        wire.exactly(int(fields[b'content-length']))
                    elif b'transfer-encoding' in fields:
                        wire.chunked()
                    reply(wire, line[0], line[1][1:].split(b'/'))
            except OSError:
                pass
            finally:
                s.close()
        def run():
            while True:
                try:
                    s, _ = socks[key].accept()
                except TimeoutError:
                    continue
                except OSError:
                    return
                threading.Thread(target=one, args=(s,), daemon=True).start()
        threading.Thread(target=run, daemon=True).start()
        return 'serving'

    def call(wire, seen, method, path, size, chunked):
        head = method + b' ' + path + b' HTTP/1.1' + CRLF + b'Host: m' + CRLF + b'X-Very: ' + b'v' * 100 + CRLF
        if chunked:
            wire.send(head + b'Transfer-Encoding: chunked' + CRLF + CRLF, chunks(size, 77))
        elif size:
            wire.send(head + b'Content-Length: %d' % size + CRLF + CRLF, body(size))
        else:
            wire.send(head + CRLF)
        seen['requests'] += 1
        while True:
            line, fields = wire.head()
            seen[f's{line[1][:1].decode()}'] += 1
            if line[1][:1] != b'1':
                break
        seen['responses'] += 1
        if method == b'HEAD' or line[1] in (b'204', b'304'):
            return True
        if b'content-length' in fields:
            wire.exactly(int(fields[b'content-length']))
        elif b'transfer-encoding' in fields:
            wire.chunked()
        else:
            while wire.more():
                pass
            return False
        return True

    PLAN = [
        (b'POST', b'/len/700/200', 300, False), (b'GET', b'/sse/5', 0, False), (b'HEAD', b'/len/5000/200', 0, False),
        (b'POST', b'/len/20/404', 5000, True), (b'POST', b'/interim/64/201', 64, False), (b'GET', b'/len/0/204', 0, False),
        (b'GET', b'/len/9/304', 0, False), (b'GET', b'/len/0/500', 0, False), (b'POST', b'/len/150000/200', 90000, False),
        (b'POST', b'/sse/40', 10, False), (b'GET', b'/len/0/302', 0, False),
    ]

    def load(host, port, threads, connections, rounds, dribble=False, plan=None):
        total = {k: 0 for k in ('connections', 'requests', 'responses', 's1', 's2', 's3', 's4', 's5', 'sent', 'received')}
        lock = threading.Lock()
        faults = []
        def run():
            for _ in range(connections):
                seen = dict.fromkeys(total, 0)
                try:
                    s = socket.socket(family(host), socket.SOCK_STREAM)
                    s.settimeout(10)
                    s.connect((host, port))
                    wire = Wire(s, dribble)
                    seen['connections'] = 1
                    alive = True
                    for _ in range(rounds):
                        for step in plan or PLAN:
                            alive = alive and call(wire, seen, *step)
                    seen['sent'], seen['received'] = wire.sent, wire.received
                    s.close()
                except Exception as e:
                    faults.append(f'{type(e).__name__}:{e}'.replace(' ', '_'))
                with lock:
                    for key, value in seen.items():
                        total[key] += value
        workers = [threading.Thread(target=run) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return ' '.join(f'{k}={v}' for k, v in total.items()) + f' faults={len(faults)} ' + ','.join(faults[:2])

    def only6(key, host, port):
        s = socks[key] = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        s.setsockopt(41, 26, 1)
        s.settimeout(5)
        return dial(key, host, port)

    def hold(prefix, host, port, count):
        results = [connect(f'{prefix}{i}', host, port) for i in range(count)]
        return ' '.join(sorted(set(results)))

    def let(prefix, count):
        return close(*[f'{prefix}{i}' for i in range(count)])

    def silence(key):
        # A thread in accept() would keep it listening after a close.
        s = socks.pop(key)
        s.shutdown(2)
        s.close()
        return 'silent'

    def reset(prefix, count):
        for i in range(count):
            s = socks.pop(f'{prefix}{i}')
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            s.close()
        return 'reset'
    """
