"""The catalogue as data: one row an indicator. A row of a site's own is appended here and nowhere else.

Columns: class of equipment | indicator | unit (UCUM) | which way is bad (up, down, both) | low bound | high bound | the
shape to expect (none, day, week) | who looks after it | the kind of fault it can mean (a key of `models.kinds.PRIOR`) |
whether it only counts up (counter) or not (gauge) | how monitors name it. A name matches where its words stand next to
each other in the metric's name. `-` is nothing.
"""

ROWS = """
room     | power           | W       | both | 0  | -   | none | facilities  | power         | gauge   | power draw, active power, pdu load, outputpower
room     | voltage         | V       | both | 0  | -   | none | facilities  | power         | gauge   | voltage, inputvoltage, outputvoltage
room     | ups charge      | %       | down | 0  | 100 | none | facilities  | power         | gauge   | battery charge, ups charge, battery capacity
room     | ups load        | %       | up   | 0  | 100 | none | facilities  | power         | gauge   | ups load, output load
room     | air conditioning| -       | both | -  | -   | day  | facilities  | cooling       | gauge   | fan speed, compressor, airflow, fan rpm
room     | temperature     | Cel     | up   | -  | -   | day  | facilities  | cooling       | gauge   | temperature, temp, thermal, temp celsius
room     | humidity        | %       | both | 0  | 100 | day  | facilities  | cooling       | gauge   | humidity, rh
room     | water           | 1       | up   | 0  | 1   | none | facilities  | cooling       | gauge   | water leak, leak detected
room     | fire            | 1       | up   | 0  | 1   | none | facilities  | cooling       | gauge   | smoke, fire
room     | access          | 1       | up   | 0  | -   | week | facilities  | security      | gauge   | door open, access count
network  | device state    | 1       | down | 0  | 1   | none | network     | availability  | gauge   | device up, snmp up, probe success
network  | link state      | 1       | down | -  | -   | none | network     | network       | gauge   | ifoperstatus, link up, carrier, oper status
network  | utilisation     | %       | up   | 0  | 100 | week | network     | network       | gauge   | bandwidth utilization, link utilization, utilization in, utilization out
network  | packet loss     | %       | up   | 0  | 100 | none | network     | network       | gauge   | packet loss, loss, pl, percent packet loss
network  | errors          | 1       | up   | 0  | -   | none | network     | network       | counter | ifinerrors, ifouterrors, receive errs, transmit errs, crc, err in, err out
network  | discards        | 1       | up   | 0  | -   | week | network     | network       | counter | ifindiscards, ifoutdiscards, receive drop, transmit drop, drop in, drop out
network  | traffic         | By      | both | 0  | -   | week | network     | network       | counter | ifhcinoctets, ifhcoutoctets, ifinoctets, ifoutoctets, receive bytes, transmit bytes, bytes recv, bytes sent, octets
network  | latency         | ms      | up   | 0  | -   | day  | network     | network       | gauge   | rta, rtt, ping, round trip, average response ms
network  | jitter          | ms      | up   | 0  | -   | day  | network     | network       | gauge   | jitter
network  | routes          | 1       | down | 0  | -   | none | network     | network       | gauge   | bgp prefixes, routes, bgp peers, ospf neighbors
security | connections     | 1       | up   | 0  | -   | week | security    | capacity      | gauge   | conntrack entries, session count, concurrent connections, concurrent sessions, active sessions
security | connections used| %       | up   | 0  | 100 | week | security    | capacity      | gauge   | session table usage, conntrack usage, session utilization
security | security events | 1       | up   | 0  | -   | week | security    | security      | gauge   | failed logins, login failures, blocked, intrusion, threats, denied, attacks
storage  | exchange latency| ms      | up   | 0  | -   | day  | storage     | performance   | gauge   | exchange completion, read latency, write latency, disk latency, await, io latency, volume latency
storage  | battery         | %       | down | 0  | 100 | none | storage     | hardware      | gauge   | bbu charge, cache battery
storage  | wear            | %       | up   | 0  | 100 | none | storage     | hardware      | gauge   | wear level, percentage used, media wearout
storage  | pool            | %       | up   | 0  | 100 | none | storage     | capacity      | gauge   | pool usage, pool used percent, lun usage, datastore usage, volume usage
storage  | queue           | 1       | up   | 0  | -   | day  | storage     | performance   | gauge   | queue depth, avgqu sz, disk queue
database | replication lag | s       | up   | 0  | -   | day  | database    | performance   | gauge   | replication lag, replica lag, seconds behind master, seconds behind source
database | connections     | 1       | up   | 0  | -   | week | database    | capacity      | gauge   | threads connected, numbackends, db connections, sessions active
database | connections used| %       | up   | 0  | 100 | week | database    | capacity      | gauge   | connection usage, connections used percent
database | tablespace      | %       | up   | 0  | 100 | none | database    | capacity      | gauge   | tablespace usage, tablespace used, tablespace
database | cache hits      | %       | down | 0  | 100 | day  | database    | performance   | gauge   | cache hit ratio, buffer hit, hit ratio
database | locks           | 1       | up   | 0  | -   | week | database    | performance   | gauge   | deadlocks, lock waits, locks waiting
database | queries         | 1       | both | 0  | -   | week | database    | performance   | counter | questions, queries total, xact commit
database | slow queries    | 1       | up   | 0  | -   | week | database    | performance   | counter | slow queries
middleware | heap          | %       | up   | 0  | 100 | day  | middleware  | capacity      | gauge   | heap usage, heap used percent, jvm memory usage
middleware | collection    | s       | up   | 0  | -   | day  | middleware  | performance   | counter | gc time, gc pause seconds sum, gc duration
middleware | threads       | 1       | up   | 0  | -   | week | middleware  | capacity      | gauge   | threads busy, thread count, jvm threads, active threads
middleware | pool          | %       | up   | 0  | 100 | week | middleware  | capacity      | gauge   | connection pool usage, pool busy
middleware | queue         | 1       | up   | 0  | -   | week | middleware  | capacity      | gauge   | messages ready, queue length, queue messages, backlog, consumer lag, consumer group lag
mail     | queue           | 1       | up   | 0  | -   | week | mail        | capacity      | gauge   | mailq, mail queue, deferred, messages queued
mail     | delivery        | s       | up   | 0  | -   | week | mail        | performance   | gauge   | delivery time, delivery delay
dns      | answers         | ms      | up   | 0  | -   | day  | network     | performance   | gauge   | dns lookup time, dns time, query time ms, resolve time
dns      | failures        | 1       | up   | 0  | -   | week | network     | errors        | counter | servfail, nxdomain, dns failures
web      | response time   | s       | up   | 0  | -   | week | application | performance   | gauge   | response time, request duration, time total, http time, latency, duration ms, target response time
web      | requests        | 1       | both | 0  | -   | week | application | performance   | gauge   | request count, requests per second, request rate, requestcount, hits per second
web      | requests counted| 1       | both | 0  | -   | week | application | performance   | counter | http requests total, requests total
web      | errors          | 1       | up   | 0  | -   | week | application | errors        | gauge   | http 5xx, 5xx, error rate, error count, failed requests
web      | availability    | %       | down | 0  | 100 | none | application | availability  | gauge   | availability, success rate, uptime percent
web      | certificate     | d       | down | 0  | -   | none | security    | certificate   | gauge   | certificate days, cert expiry days, days to expiry
host     | state           | 1       | down | 0  | 1   | none | host        | availability  | gauge   | up, host alive, status
host     | cpu             | %       | up   | 0  | 100 | week | host        | performance   | gauge   | cpu utilization, cpu usage, cpu load percent, cpuutilization, usage user, cpu
host     | cpu idle        | %       | down | 0  | 100 | week | host        | performance   | gauge   | usage idle, cpu idle
host     | load            | 1       | up   | 0  | -   | week | host        | performance   | gauge   | load1, load5, load15, load average, system load
host     | memory          | %       | up   | 0  | 100 | day  | host        | capacity      | gauge   | memory usage, mem used percent, memory utilization, used percent mem, memory percent
host     | memory free     | By      | down | 0  | -   | day  | host        | capacity      | gauge   | memavailable bytes, memory available, memfree, available memory
host     | swap            | %       | up   | 0  | 100 | none | host        | capacity      | gauge   | swap usage, swap used percent
host     | inodes          | %       | up   | 0  | 100 | none | host        | capacity      | gauge   | inode usage, inodes used percent
host     | disk            | %       | up   | 0  | 100 | none | host        | capacity      | gauge   | disk usage, used percent, filesystem usage, disk used percent, fs used, vfs fs size pused
host     | disk free       | By      | down | 0  | -   | none | host        | capacity      | gauge   | filesystem avail bytes, filesystem free bytes, disk free, free space
host     | disk busy       | %       | up   | 0  | 100 | day  | host        | performance   | gauge   | disk util, disk busy, io util, iowait
host     | descriptors     | 1       | up   | 0  | -   | day  | host        | capacity      | gauge   | open fds, file descriptors, filefd allocated
host     | processes       | 1       | both | 0  | -   | day  | host        | capacity      | gauge   | procs, processes, process count
host     | ports           | 1       | down | 0  | 1   | none | host        | availability  | gauge   | port open, tcp connect
host     | clock           | s       | both | -  | -   | none | host        | configuration | gauge   | ntp offset, clock offset, timex offset seconds
business | critical success| %       | down | 0  | 100 | week | business    | business      | gauge   | csf, success factor
business | orders          | 1       | both | 0  | -   | week | business    | business      | gauge   | orders per minute, orders, bookings, order rate
business | revenue         | 1       | down | 0  | -   | week | business    | business      | gauge   | revenue, sales, turnover
business | payments        | 1       | both | 0  | -   | week | business    | business      | gauge   | payments, transactions per minute, payment rate
business | logins          | 1       | both | 0  | -   | week | business    | business      | gauge   | logins, sign ins, active users
business | indicator       | 1       | both | -  | -   | week | business    | business      | gauge   | kpi
"""  # noqa: E501
