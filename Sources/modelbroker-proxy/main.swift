import Proxy

ProxyProcess.run(Array(CommandLine.arguments.dropFirst()))
