/// Functions of `peerScript` for models' entries: connects in numbers, tags, and what is set on a socket.
let peerQoSScript = """
    import threading, time

    def swallow(key, keep=False):
        kept = []
        def run():
            while True:
                try:
                    s, _ = socks[key].accept()
                except TimeoutError:
                    continue
                except OSError:
                    return
                if keep:
                    kept.append(s)
                else:
                    s.close()
        threading.Thread(target=run, daemon=True).start()
        return 'swallowing'

    def attempt(host, port):
        s = socket.socket(family(host), socket.SOCK_STREAM)
        s.settimeout(5)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        try:
            s.connect((host, port))
        except OSError as e:
            s.close()
            return None, errno.errorcode.get(e.errno, 'timeout')
        return s, 'ok'

    # For so long, and until each thread has made `least` connects, `good` of them that were let through: a machine that others
    # slow down makes few in its time. Of a single thread, in seconds of CLOCK_MONOTONIC: `first` is after its first connect and
    # `last` before its last one, `begin` and `end` are around all of them.
    def hammer(host, port, seconds, gap, threads=1, least=0, good=0):
        seen = {}
        edges = {'first': 0.0, 'last': 0.0}
        lock = threading.Lock()
        begin = time.monotonic()
        def run():
            mine = {}
            while time.monotonic() - begin < seconds or sum(mine.values()) < least or mine.get('ok', 0) < good:
                edges['last'] = time.monotonic()
                s, result = attempt(host, port)
                edges['first'] = edges['first'] or time.monotonic()
                if s:
                    s.close()
                mine[result] = mine.get(result, 0) + 1
                if gap:
                    time.sleep(gap)
            with lock:
                for result, count in mine.items():
                    seen[result] = seen.get(result, 0) + count
        workers = [threading.Thread(target=run) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        edges |= {'begin': begin, 'end': time.monotonic()}
        return ' '.join(f'{k}={v}' for k, v in [*edges.items(), *sorted(seen.items())])

    # So many rounds in each thread, and until `good` connects were let through: on a busy machine others may be quicker.
    def crowd(host, port, threads, rounds, good):
        lock = threading.Lock()
        state = {'now': 0, 'most': 0, 'ok': 0}
        def run():
            left = rounds
            while left > 0 or state['ok'] < good:
                left -= 1
                s, result = attempt(host, port)
                with lock:
                    state[result] = state.get(result, 0) + 1
                    if s:
                        state['now'] += 1
                        state['most'] = max(state['most'], state['now'])
                time.sleep(0.0005)
                if s:
                    with lock:
                        state['now'] -= 1
                    s.close()
        workers = [threading.Thread(target=run) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return ' '.join(f'{k}={v}' for k, v in sorted(state.items()))

    def bound(key, host, source, sourceport, port):
        s = socks[key] = socket.socket(family(host), socket.SOCK_STREAM)
        s.settimeout(5)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((source, sourceport))
        return dial(key, host, port)

    def pending(key, host, port):
        s = socks[key] = socket.socket(family(host), socket.SOCK_STREAM)
        s.setblocking(False)
        return dial(key, host, port)

    def redial(key, host, port):
        return dial(key, host, port)

    def fresh(key, host='127.0.0.1'):
        socks[key] = socket.socket(family(host), socket.SOCK_STREAM)
        return 'made'

    def tag(key, model, leg=0, active=1, client=0, raw=None, level=0x4d42, option=2):
        value = raw if raw is not None else struct.pack('IIBBH', model, client, leg, active, 0)
        try:
            socks[key].setsockopt(level, option, value)
        except OSError as e:
            return failed(e)
        return 'ok'

    def long_option(key, level, option, value, size):
        try:
            socks[key].setsockopt(level, option, struct.pack('i', value) + bytes(size - 4))
        except OSError as e:
            return failed(e)
        return str(socks[key].getsockopt(level, option))

    def marks(key):
        s = socks[key]
        tos = s.getsockopt(0, 1) if s.family == socket.AF_INET else s.getsockopt(41, 67)
        pacing = struct.unpack('Q', s.getsockopt(1, 47, 8))[0]
        rate = 'none' if pacing == 2**64 - 1 else pacing
        return f'tos={tos} priority={s.getsockopt(1, 12)} lowat={s.getsockopt(6, 25)} pacing={rate}'

    def pump(key, total):
        data = bytes(65536)
        sent = 0
        socks[key].settimeout(10)
        while sent < total:
            sent += socks[key].send(data[:min(len(data), total - sent)])
        return sent

    def acked(key):
        info = socks[key].getsockopt(6, 11, 256)
        return struct.unpack('Q', info[120:128])[0], struct.unpack('I', info[100:104])[0]

    # `late`: the most by which this process came too late to what it had to do.
    def stream(keys, seconds):
        done = threading.Event()
        late = [0.0]
        def watch():
            while not done.is_set():
                begin = time.monotonic()
                time.sleep(0.002)
                late[0] = max(late[0], time.monotonic() - begin - 0.002)
        def run(key):
            data = bytes(65536)
            socks[key].settimeout(0.2)
            while not done.is_set():
                try:
                    socks[key].send(data)
                except OSError:
                    pass
        sent = [acked(key)[1] for key in keys]
        workers = [threading.Thread(target=run, args=(key,)) for key in keys]
        workers.append(threading.Thread(target=watch))
        for worker in workers:
            worker.start()
        time.sleep(0.5)
        before = [acked(key) for key in keys]
        begin = time.monotonic()
        time.sleep(seconds)
        after = [acked(key) for key in keys]
        elapsed = time.monotonic() - begin
        done.set()
        for worker in workers:
            worker.join()
        each = [(a[0] - b[0]) / elapsed for a, b in zip(after, before)]
        again = sum(a[1] - b for a, b in zip(after, sent))
        return f'rate={sum(each)} least={min(each)} most={max(each)} retransmitted={again} late={late[0]}'

    def sink(key):
        def run():
            try:
                while socks[key].recv(1 << 18):
                    pass
            except OSError:
                pass
        socks[key].settimeout(None)
        threading.Thread(target=run, daemon=True).start()
        return 'sinking'
    """
