/// What `Peer` runs: reads expressions, answers each with one line.
let peerScript = """
    import ctypes, errno, os, platform, socket, struct, sys

    socks = {}
    served = []
    libc = ctypes.CDLL(None, use_errno=True)

    def failed(e):
        return 'error ' + (errno.errorcode.get(e.errno, str(e)) if e.errno else 'timeout')

    def family(host):
        return socket.AF_INET6 if ':' in host else socket.AF_INET

    def dial(key, host, port):
        try:
            socks[key].connect((host, port))
        except OSError as e:
            return failed(e)
        return 'ok'

    def connect(key, host, port):
        socks[key] = socket.socket(family(host), socket.SOCK_STREAM)
        socks[key].settimeout(5)
        return dial(key, host, port)

    def disconnect(key):
        unspec = struct.pack('H14x', 0)
        return str(libc.connect(socks[key].fileno(), unspec, len(unspec)))

    def udp(key, host, port):
        socks[key] = socket.socket(family(host), socket.SOCK_DGRAM)
        return dial(key, host, port)

    def fastopen(key, host, port):
        socks[key] = socket.socket(family(host), socket.SOCK_STREAM)
        try:
            socks[key].sendto(b'early', socket.MSG_FASTOPEN, (host, port))
        except OSError as e:
            return failed(e)
        return 'ok'

    def multipath(key, host, port):
        try:
            socks[key] = socket.socket(family(host), socket.SOCK_STREAM, 262)
        except OSError as e:
            return 'none'
        socks[key].settimeout(5)
        return dial(key, host, port)

    def serve(key, want):
        import threading
        def run():
            for _ in range(want):
                try:
                    s, _ = socks[key].accept()
                    served.append(len(s.getsockopt(0x4d42, 1, 104)))
                    s.close()
                except OSError as e:
                    served.append(0)
        threading.Thread(target=run, daemon=True).start()
        return 'serving'

    def storm(host, port, count):
        for _ in range(count):
            s = socket.socket(family(host), socket.SOCK_STREAM)
            s.settimeout(5)
            try:
                s.connect((host, port))
            except OSError as e:
                return failed(e)
            s.close()
        return 'done'

    def peer(key):
        try:
            a = socks[key].getpeername()
        except OSError as e:
            return failed(e)
        return f'{a[0]} {a[1]}'

    def port(key):
        return socks[key].getsockname()[1]

    def listen(key, host, port=0):
        s = socks[key] = socket.socket(family(host), socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.settimeout(5)
        s.bind((host, port))
        s.listen(64)
        return s.getsockname()[1]

    def accept(key, new):
        try:
            socks[new], a = socks[key].accept()
        except OSError as e:
            return failed(e)
        return f'{a[0]} {a[1]}'

    def close(*keys):
        for key in keys:
            socks.pop(key).close()
        return 'closed'

    def talk(key, text):
        socks[key].settimeout(5)
        socks[key].sendall(text.encode())
        return 'sent'

    def hear(key):
        socks[key].settimeout(5)
        try:
            return socks[key].recv(100).decode()
        except OSError as e:
            return failed(e)

    def original(key, level, room=28):
        try:
            raw = socks[key].getsockopt(level, 80, room)
        except OSError as e:
            return failed(e)
        kind = struct.unpack('H', raw[:2])[0]
        port = struct.unpack('!H', raw[2:4])[0]
        host = socket.inet_ntop(kind, raw[4:8] if kind == socket.AF_INET else raw[8:24])
        return f'{len(raw)} {host} {port}'

    def origin(key, room=104):
        try:
            raw = socks[key].getsockopt(0x4d42, 1, room)
        except OSError as e:
            return 'error=' + failed(e).split()[1]
        kind, rule = struct.unpack('II', raw[:8])
        port = struct.unpack('!H', raw[24:26])[0]
        flags, client, pid, uid = struct.unpack('HIII', raw[26:28] + b'..' + raw[28:40])
        cgroup, workload, netns, cookie, time = struct.unpack('QQQQQ', raw[40:80])
        host = socket.inet_ntop(kind, raw[8:12] if kind == socket.AF_INET else raw[8:24])
        model, endpoint = struct.unpack('II', raw[80:88])
        comm = raw[88:104].split(b'\\0')[0].decode()
        return (f'size={len(raw)} host={host} port={port} rule={rule} flags={flags} client={client} pid={pid} uid={uid} '
                f'cgroup={cgroup} workload={workload} netns={netns} cookie={cookie} time={time} model={model} endpoint={endpoint} comm={comm}')

    def cookie(key):
        return struct.unpack('Q', socks[key].getsockopt(socket.SOL_SOCKET, 57, 8))[0]

    def netns():
        with socket.socket() as s:
            return struct.unpack('Q', s.getsockopt(socket.SOL_SOCKET, 71, 8))[0]

    def bpf(command, attributes):
        number = 321 if platform.machine() == 'x86_64' else 280
        buffer = ctypes.create_string_buffer(attributes, 120)
        result = libc.syscall(number, command, buffer, 120)
        if result < 0:
            raise OSError(ctypes.get_errno(), 'bpf')
        return result

    def map_open(key, path):
        text = ctypes.create_string_buffer(path.encode())
        socks[key] = bpf(7, struct.pack('QII', ctypes.addressof(text), 0, 0))
        return 'opened'

    def map_put(key, slot, listener):
        k = ctypes.create_string_buffer(struct.pack('I', slot))
        v = ctypes.create_string_buffer(struct.pack('Q', socks[listener].fileno()))
        attributes = struct.pack('I4xQQQ', socks[key], ctypes.addressof(k), ctypes.addressof(v), 0)
        try:
            bpf(2, attributes)
        except OSError as e:
            return failed(e)
        return 'put'

    def map_version(key, version):
        k = ctypes.create_string_buffer(4)
        v = ctypes.create_string_buffer(120)
        attributes = struct.pack('I4xQQQ', socks[key], ctypes.addressof(k), ctypes.addressof(v), 0)
        bpf(1, attributes)
        v[0:4] = struct.pack('I', version)
        bpf(2, attributes)
        return 'put'

    def map_make(path):
        made = bpf(0, struct.pack('IIIII', 1, 8, 16, 4, 0))
        text = ctypes.create_string_buffer(path.encode())
        bpf(6, struct.pack('QII', ctypes.addressof(text), made, 0))
        os.close(made)
        return 'made'

    def exclusive(pin, cgroup, kind):
        map_open('program', pin)
        directory = os.open(cgroup, os.O_RDONLY | os.O_DIRECTORY)
        bpf(8, struct.pack('IIII', directory, socks['program'], kind, 0))
        return 'attached'

    def become(uid):
        os.setgid(uid)
        os.setuid(uid)
        return os.getuid()

    \(peerQoSScript)
    \(peerMeterScript)
    print('ready')
    for line in sys.stdin:
        try:
            print(eval(line))
        except Exception as e:
            print(f'raised {type(e).__name__}: {e}'.replace(chr(10), ' '))
    """
