import Commands
import Glibc

exit(ModelBroker.run(Array(CommandLine.arguments.dropFirst())))
