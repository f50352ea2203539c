"""Runs commands for bench/run and measures them: one JSON object a line in, one out. It is a process of its own, and small, because Linux counts
into a process's peak memory what its parent had when it was made."""
import json, os, subprocess, sys, time

for line in sys.stdin:
    o = json.loads(line)
    with open(o["stdout"], "w") as out, open(o["stderr"], "w") as err:
        begin = time.perf_counter()
        try:
            p = subprocess.Popen(o["command"], stdout=out, stderr=err, stdin=subprocess.DEVNULL)
        except OSError as e:
            print(json.dumps({"wrong": str(e)}), flush=True)
            continue
        while True:
            pid, status, used = os.wait4(p.pid, os.WNOHANG)
            wall = time.perf_counter() - begin
            if pid:
                break
            if wall > o["limit"]:
                p.kill()
                _, status, used = os.wait4(p.pid, 0)
                status = -1
                break
            time.sleep(0.001 if wall < 1 else 0.02)
        p.returncode = status
    print(json.dumps({"wall": wall, "cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss / 1024, "status": status}), flush=True)
