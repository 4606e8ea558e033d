# Reads an Arrow stream over HTTP with pyarrow. `stream_reader.py URL [SECONDS A BATCH] [BATCHES]`: waits so
# long after each batch; leaves after so many. Prints what it read as one line of JSON.
import json
import sys
import time
import urllib.request

import pyarrow as pa

url = sys.argv[1]
pause = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
most = int(sys.argv[3]) if len(sys.argv) > 3 else 0
rows = batches = size = 0
began = time.monotonic()
with pa.ipc.open_stream(urllib.request.urlopen(url)) as reader:
    for batch in reader:
        rows += batch.num_rows
        size += batch.nbytes
        batches += 1
        if batches == most:
            break
        if pause:
            time.sleep(pause)
print(json.dumps({"rows": rows, "batches": batches, "bytes": size, "seconds": time.monotonic() - began}))
