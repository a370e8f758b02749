"""Configurations with planted mistakes: ``#! key`` marks each, on its line, with the key meant.

A mistake of the whole table stands on the table's line. Where one line has several, ``#!`` names
each key.
"""

from __future__ import annotations

ONE_MISTAKE = """
targt = "shop:app" #! targt
---
target = 5 #! target
---
target = "" #! target
---
target = "shop:app"
app = "shop:app" #! app
---
image = "shop:1"
url = "http://10.0.0.1" #! url
---
url = "10.0.0.1:8080" #! url
---
url = "ftp://10.0.0.1" #! url
---
dockerfile = "no/such/Dockerfile" #! dockerfile
---
service = "no-such.yaml:web" #! service
---
health = "healthz" #! health
---
health = "http://shop.example/healthz" #! health
---
health = 200 #! health
---
port = 0 #! port
---
port = 65536 #! port
---
port = "8000" #! port
---
port = 80.5 #! port
---
env = "DEBUG=1" #! env
---
env = {DEBUG = 1} #! env.DEBUG
---
env = {"A-B" = "1"} #! env.A-B
---
pass-env = ["NO_SUCH_VARIABLE_AT_ALL"] #! pass-env[0]
---
pass-env = [3] #! pass-env[0]
---
python = 3.11 #! python
---
workers = ["gthraed"] #! workers[0]
---
workers = ["gthread", "gthread"] #! workers[1]
---
workers = [] #! workers
---
workers = 4 #! workers
---
workers = "gthread, synk" #! workers
---
replicas = 4 #! replicas
---
replicas = [] #! replicas
---
replicas = [1, 3] #! replicas
---
replicas = [0, 1, 2] #! replicas
---
replicas = [1, 2, 2] #! replicas
---
replicas = [1, "2"] #! replicas[1]
---
replicas = [64, 128] #! replicas
---
workload = "browse" #! workload
---
workload = ["cpu"] #! workload[0]
---
rounds = 1 #! rounds
---
rounds = 501 #! rounds
---
rounds = "8" #! rounds
---
rounds = 1.5 #! rounds
---
rounds = true #! rounds
---
precision = 0 #! precision
---
precision = 4 #! precision
---
precision = "4 %" #! precision
---
precision = nan #! precision
---
factor = 1 #! factor
---
factor = 2.5 #! factor
---
backend = "dokcer" #! backend
---
backend = ["compose"] #! backend
---
seed = -1 #! seed
---
seed = "seven" #! seed
---
out = 7 #! out
---
probe = "yes" #! probe
---
latency = 1 #! latency
---
slo = "250ms" #! slo
---
slo = "p99=20s" #! slo
---
generator-processes = 0 #! generator-processes
---
generator-processes = 65 #! generator-processes
---
generator_processes = 2 #! generator_processes
---
tags = ["read"] #! tags
---
reset-command = "" #! reset-command
---
reset-command = "flask 'init" #! reset-command
---
variants = ["gthread"] #! variants
---
[variants.mine] #! variants.mine
threads = 8
---
[variants.mine]
server = "gunicron" #! variants.mine.server
---
[variants.mine]
server = "gunicorn"
worker = "gthred" #! variants.mine.worker
---
[variants.mine]
server = "gunicorn"
processes = 0 #! variants.mine.processes
---
[variants.mine]
server = "gunicorn"
threads = "8" #! variants.mine.threads
---
[variants.mine]
server = "gunicorn"
slots = 0 #! variants.mine.slots
---
[variants.mine]
server = "gunicorn"
options = 5 #! variants.mine.options
---
[variants.mine]
command = "python -m bjoern_runner" #! variants.mine.command
---
[variants.mine]
command = "python -m bjoern_runner {bnid} {port}" #! variants.mine.command
---
[variants."my variant"] #! variants.my variant
server = "gunicorn"
---
[variants.mine]
server = "gunicorn"
env = {A = true} #! variants.mine.env.A
---
[workloads.browse] #! workloads.browse
---
[workloads.browse]
requests = [] #! workloads.browse.requests
---
[workloads.browse]
requests = "GET /" #! workloads.browse.requests
---
[workloads.browse]
requests = ["GTE /"] #! workloads.browse.requests[0]
---
[workloads.browse]
requests = ["0 GET /"] #! workloads.browse.requests[0]
---
[workloads.browse]
requests = ["1.5 GET /"] #! workloads.browse.requests[0]
---
[workloads.browse]
requests = ["GET search"] #! workloads.browse.requests[0]
---
[workloads.browse]
requests = ["GET /a b"] #! workloads.browse.requests[0]
---
[workloads.browse]
requests = ["GET http://shop.example/"] #! workloads.browse.requests[0]
---
[workloads.browse]
requests = ["GET //shop.example/"] #! workloads.browse.requests[0]
---
[workloads.browse]
requests = [
  "GET /",
  7, #! workloads.browse.requests[1]
]
---
[workloads.browse]
requests = [{method = "POST"}] #! workloads.browse.requests[0].path
---
[workloads.browse]
requests = [{path = "/", methd = "POST"}] #! workloads.browse.requests[0].methd
---
[workloads.browse]
requests = [{path = "/", weight = 0}] #! workloads.browse.requests[0].weight
---
[workloads.browse]
requests = [{path = "/", expect = 99}] #! workloads.browse.requests[0].expect.status
---
[workloads.browse]
requests = [{path = "/", expect = {satus = 200}}] #! workloads.browse.requests[0].expect.satus
---
[[workloads.browse.requests]]
path = "/cart"
method = "POST"
json = {item = 7}
form = {item = "7"} #! workloads.browse.requests[0].form
---
[workloads.browse]
requests = [{path = "/", headers = ["Accept"]}] #! workloads.browse.requests[0].headers
---
[[workloads.browse.requests]]
path = "/"
[[workloads.browse.requests]]
path = "/upload"
method = "POST"
files = {picture = "no-such.png"} #! workloads.browse.requests[1].files.picture
---
[workloads.browse]
requests = ["GET /search?q={word}"] #! workloads.browse.requests[0]
---
[workloads.browse]
requests = ["GET /search?q={wrod}"] #! workloads.browse.requests[0]
values = {word = ["red"]}
---
[workloads.browse]
requests = ["GET /items/{9..1}"] #! workloads.browse.requests[0]
---
[workloads.browse]
requests = ["GET /items/{1..}"] #! workloads.browse.requests[0]
---
[workloads.browse]
requests = ["GET /items/{1..9"] #! workloads.browse.requests[0]
---
[workloads.browse]
requests = ["GET /items/{a||b}"] #! workloads.browse.requests[0]
---
[workloads.browse]
requests = ["GET /items/<int:id>"] #! workloads.browse.requests[0]
---
[workloads.browse]
requests = ["GET /"]
values = {word = []} #! workloads.browse.values.word
---
[workloads.browse]
requests = ["GET /"]
values = {word = "red"} #! workloads.browse.values.word
---
[workloads.browse]
requests = ["GET /"]
values = {word = {file = "no-such.csv"}} #! workloads.browse.values.word.file
---
[workloads.browse]
requests = ["GET /"]
values = {word = {file = "words.csv", column = "wrod"}} #! workloads.browse.values.word.column
---
[workloads.browse]
requests = ["GET /"]
start = ["LOGIN /"] #! workloads.browse.start[0]
---
[workloads.browse]
requests = ["GET /"]
locustfile = "locustfile.py" #! workloads.browse.locustfile
---
[workloads.browse]
requests = ["GET /"]
keep-waits = true #! workloads.browse.keep-waits
---
[workloads.browse]
locustfile = "no-such.py" #! workloads.browse.locustfile
---
[workloads.browse]
locustfile = "locustfile.py"
values = {word = ["red"]} #! workloads.browse.values
---
[workloads.browse]
locustfile = "locustfile.py"
keep-waits = "no" #! workloads.browse.keep-waits
---
[workloads.browse]
locustfile = "locustfile.py"
requirements = "no-such.txt" #! workloads.browse.requirements
---
[workloads.browse]
path = "search" #! workloads.browse.path
---
[workloads.browse]
path = "/"
waits = 1 #! workloads.browse.waits
---
[workload.browse] #! workload
path = "/"
---
[checks] #! checks
name = "a login holds"
---
[[checks]] #! checks[0].read
name = "a login holds"
write = "POST /login"
---
[[checks]] #! checks[0].write
name = "a login holds"
read = {path = "/me", expect = 200}
---
[[checks]] #! checks[0].name
write = "POST /login"
read = {path = "/me", expect = 200}
---
[[checks]]
name = "a login holds"
write = "POST /login"
read = "/me" #! checks[0].read
---
[[checks]]
name = "a login holds"
write = "3 POST /login" #! checks[0].write
read = {path = "/me", expect = 200}
---
[[checks]]
name = "counts"
kind = "number" #! checks[0].kind
write = "POST /count"
read = {path = "/count", expect = 200}
---
[[checks]]
name = "counts"
kind = "count"
write = "POST /count"
read = {path = "/count", expect = 200} #! checks[0].read.expect
---
[[checks]]
name = "a note is there"
write = "PUT /notes/{tokn}" #! checks[0].write
read = {path = "/notes/{token}", expect = 200}
---
[[checks]]
name = "a login holds"
times = 0 #! checks[0].times
write = "POST /login"
read = {path = "/me", expect = 200}
---
[external]
scale = "kubectl scale deployment/web --replicas=3" #! external.scale
---
[external]
scale = "scale {replicas}"
limit-s = 0 #! external.limit-s
---
[external]
scle = "scale {replicas}" #! external.scle
---
[gate]
margin = 5 #! gate.margin
---
[gate]
workers = ["gthred"] #! gate.workers[0]
---
[gate]
max-minutes = "8" #! gate.max-minutes
---
target = "shop:app #! target
---
target = 'shop:app" #! target
---
target = shop:app #! target
---
target "shop:app" #! target
---
target = #! target
---
probe = True #! probe
---
rounds = 08 #! rounds
---
rounds = 8 seed = 7 #! rounds
---
rounds = 8
rounds = 9 #! rounds
---
[gate]
margin = 0.05
[gate] #! gate
scaling = true
---
[gate #! gate
margin = 0.05
---
gate = {margin = 0.05 #! gate
---
replicas = [1, 2 #! replicas
---
replicas = [ #! replicas
  1,
  2
rounds = 8
---
env = {A = "1", A = "2"} #! env
---
target = \"\"\"shop:app #! target
---
target = "shop\\qapp" #! target
---
target = "a\\u0000b" #! target
---
dockerfile = "a\\u0000b" #! dockerfile
---
out = "results\\u0007" #! out
---
[workloads.browse]
locustfile = "\\u0000.py" #! workloads.browse.locustfile
---
[[workloads.browse.requests]]
path = "/"
headers = {Accept = "text/html\\r\\nX: y"} #! workloads.browse.requests[0].headers.Accept
""".removeprefix("\n").split("---\n")

ONE_MISTAKE += [
    f'target = "{"a" * 5000}" #! target\n',
    f"rounds = {'9' * 5000} #! rounds\n",
    f"replicas = {'[' * 5000}{']' * 5000} #! replicas\n",
    f"replicas = {'[' * 50}{']' * 50} #! replicas\n",
    f"env = {'{a = ' * 3000}1{'}' * 3000} #! env\n",
    f"{'a.' * 5000}a = 1 #! {'a.' * 30}\n",
]

SEVERAL_MISTAKES = """
targt = "shop:app" #! targt
heath = "/healthz" #! heath
rounds = "many" #! rounds
[variants.mine]
server = "gunicron" #! variants.mine.server
thredas = 8 #! variants.mine.thredas
---
target = "shop:app #! target
rounds = 8
rounds = 9 #! rounds
backend = "compos" #! backend
[workloads.browse]
requests = [
  "GTE /", #! workloads.browse.requests[0]
  "GET search", #! workloads.browse.requests[1]
  {path = "/", expct = 200}, #! workloads.browse.requests[2].expct
]
---
env = {A = 1, B = 2} #! env.A #! env.B
replicas = [1, 3] #! replicas
[gate]
marign = 0.1 #! gate.marign
max-minutes = 0 #! gate.max-minutes
---
workers = ["uwsgy", "uwsgy"] #! workers[0] #! workers[1]
[variants.mine] #! variants.mine
threads = 0 #! variants.mine.threads
[[checks]]
name = "a"
write = "POST /login"
read = {path = "me", expect = 1000} #! checks[0].read.path #! checks[0].read.expect.status
[[checks]]
name = "a" #! checks[1].name
write = {path = "/login", mehtod = "POST"} #! checks[1].write.mehtod
read = {path = "/me", expect = 200}
---
[workloads.browse]
requests = ["GET /items/{itm}"] #! workloads.browse.requests[0]
values = {item = {file = "no-such.csv"}} #! workloads.browse.values.item.file
[workloads.shopping]
locustfile = "no-such.py" #! workloads.shopping.locustfile
tags = 5 #! workloads.shopping.tags
[variants.own]
command = "serve {bind" #! variants.own.command
---
seed = seven #! seed
out = results #! out
factor = "2" #! factor
[variants.mine #! variants.mine
server = "gunicorn"
[external]
raedy = "true" #! external.raedy
""".removeprefix("\n").split("---\n")
