"""One message for a group of two members whose leases are fenced, with a kill of the inbox.

Members lose their connections; DONE and its answer get lost.
"""


def model(DUR, REPLY, TOKEN=0, STICKY=1, CR=1, DET=2, FLOORBUG=0):
    # inbox: (fin,att,holder,starts)  member: (ph,att,tok) ph idle/got/doneSent/settled/refused/believes ; conn: (q in, q out) or None
    init = ((0, 0, None, 1), (("idle", 0, 0),) * 2, (((), ()),) * 2, CR, DET, None, 0)

    def step(S):
        ib, ms, cs, cr, det, flag, n = S
        fin, a, h, st = ib
        out = []

        def mk(ib=ib, ms=ms, cs=cs, cr=cr, det=det, flag=flag, n=n):
            return (ib, ms, cs, cr, det, flag, n)

        def st_(t, i, v):
            l = list(t)
            l[i] = v
            return tuple(l)

        if not fin and h is None and a < 3:
            for i in (0, 1):
                if cs[i] is not None and ms[i][0] in ("idle", "refused"):
                    out.append(
                        (
                            f"DELIVERY attempt {a+1} to m{i}",
                            0,
                            mk(
                                ib=(0, a + 1, i, st),
                                cs=st_(cs, i, (cs[i][0], cs[i][1] + (("DEL", a + 1, st),))),
                            ),
                        )
                    )
        if not fin and h is not None:
            out.append((f"lease of m{h} ends", 0, mk(ib=(0, a, None, st))))
        if cr:
            out.append(
                (
                    "inbox kill -9",
                    1,
                    mk(ib=(fin, a if DUR else 0, None, st + 1), cs=(None, None), cr=cr - 1),
                )
            )
        for i in (0, 1):
            m = ms[i]
            c = cs[i]
            if c is None:
                out.append(
                    (
                        f"m{i} reconnects",
                        0,
                        mk(
                            cs=st_(
                                cs,
                                i,
                                (
                                    (("DONE", m[1], m[2]),) if m[0] == "sent" and STICKY else (),
                                    (
                                        (("DEL", a, st),)
                                        if (
                                            REPLY
                                            and h == i
                                            and not fin
                                            and (
                                                m[0] in ("idle", "refused")
                                                or (m[1], m[2]) != (a, st)
                                            )
                                        )
                                        else ()
                                    ),
                                ),
                            )
                        ),
                    )
                )
                continue
            if det:
                out.append((f"m{i} cut", 1, mk(cs=st_(cs, i, None), det=det - 1)))
            if m[0] == "got":
                out.append(
                    (
                        f"m{i} finishes work, DONE {m[1]}",
                        0,
                        mk(
                            ms=st_(ms, i, ("sent", m[1], m[2])),
                            cs=st_(cs, i, (c[0] + (("DONE", m[1], m[2]),), c[1])),
                        ),
                    )
                )
            if c[1]:
                x = c[1][0]
                c2 = (c[0], c[1][1:])
                if x[0] == "DEL":
                    out.append(
                        (
                            f"m{i} gets delivery {x[1]}",
                            0,
                            mk(ms=st_(ms, i, ("got", x[1], x[2])), cs=st_(cs, i, c2)),
                        )
                    )
                else:
                    out.append(
                        (
                            f"m{i} told {x[0]}",
                            0,
                            mk(
                                ms=st_(
                                    ms, i, ("settled" if x[0] == "SETTLED" else "refused", 0, 0)
                                ),
                                cs=st_(cs, i, c2),
                            ),
                        )
                    )
            if c[0]:
                x = c[0][0]
                c2 = (c[0][1:], c[1])
                okk = x[1] == a and (not TOKEN or x[2] == st or DUR)
                rp = lambda k: ((k,),) if REPLY else ()
                if fin:
                    out.append(
                        (
                            f"inbox: DONE again from m{i}",
                            0,
                            mk(
                                cs=st_(
                                    cs,
                                    i,
                                    (
                                        c2[0],
                                        c2[1] + rp("SETTLED" if (fin == (i + 1)) else "FENCED"),
                                    ),
                                )
                            ),
                        )
                    )
                elif okk:
                    f = flag
                    if h is not None and h != i:
                        f = "DONE of a stale lease finished the message while another member holds it"
                    out.append(
                        (
                            f"inbox commits DONE {x[1]} of m{i}",
                            0,
                            mk(
                                ib=(i + 1, a, None, st),
                                cs=st_(cs, i, (c2[0], c2[1] + rp("SETTLED"))),
                                flag=f,
                            ),
                        )
                    )
                else:
                    out.append(
                        (
                            f"inbox fences DONE {x[1]} of m{i}",
                            0,
                            mk(cs=st_(cs, i, (c2[0], c2[1] + rp("FENCED")))),
                        )
                    )
        return out

    def inv(S):
        return S[5]

    def good(S):
        return (S[0][0] != 0 or S[0][1] >= 3) and all(
            m[0] in ("idle", "settled", "refused") for m in S[1]
        )

    return init, step, inv, good


# (what, arguments, what must be found; None: nothing)
RUNS = [
    ("attempts in memory only, DONE is not answered", dict(DUR=0, REPLY=0), "stale lease"),
    ("attempts on disk, DONE is not answered", dict(DUR=1, REPLY=0), "not live"),
    ("attempts on disk, DONE is repeated until it is answered", dict(DUR=1, REPLY=1), None),
    (
        "all rules: attempts in memory, the start counter in the token",
        dict(DUR=0, REPLY=1, TOKEN=1),
        None,
    ),
]
