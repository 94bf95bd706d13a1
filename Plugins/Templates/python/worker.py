"""The worker @NAME@: turns text into capitals. Publish it with `dsmp worker publish .`"""

import dsmp_worker

worker = dsmp_worker.Worker()


@worker.method("upper")
def upper(call):
    for message in call:
        yield message.upper()


worker.run()
