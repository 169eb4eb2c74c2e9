"""FIN, acknowledgement, EXIT, ABORT, BYE and the tombstone, with the transport cut at each step.

The initiator redials, the responder cannot.
"""

# end: f=FIN written, pr=peer FIN seen, tk=app took all + acked, a=own FIN acked, bs/br=BYE sent/received, ab=own abort, pa=peer abort seen, x=exit status known, out
F = ("f", "pr", "tk", "a", "bs", "br", "ab", "pa", "x", "out")
IX = {k: i for i, k in enumerate(F)}


def g(e, k):
    return e[IX[k]]


def s(e, **kw):
    l = list(e)
    for k, v in kw.items():
        l[IX[k]] = v
    return tuple(l)


E0 = (0, 0, 0, 0, 0, 0, 0, 0, 0, None)


def model(LINGER, TOMB, EXITREL, ABORT, ABRULE, EXEC=True, STOPTRUNC=False, MAXCUT=3, DROP=0):
    init = (E0, E0, None, 0, 0)  # I,R,conn=(qi2r,qr2i)|None,cuts, R tombstone kept

    def know(e, isI):
        return g(e, "a") and g(e, "tk") and (not EXEC or g(e, "x"))

    def merge(e, m):
        k = m[0]
        if g(e, "out") in ("aborted", "unknown"):
            return e
        if k == "FIN":
            e = s(e, pr=1)
        elif k == "ACK":
            e = s(e, a=1)
        elif k == "BYE":
            e = s(e, br=1)
        elif k == "EXIT":
            e = s(e, x=1)
        elif k == "ABORT":
            e = s(e, pa=1)
        elif k == "SNAP":
            _, f, tk, ab, x, bs, own = m
            e = s(e, pr=g(e, "pr") | f, a=g(e, "a") | tk, pa=g(e, "pa") | ab, br=g(e, "br") | bs)
            if x:
                e = s(e, x=1)
        if g(e, "pa") and g(e, "out") is None:
            # peer aborted: an end that already knows success keeps it (both sides complete), else it is told
            if g(e, "bs"):
                pass
            else:
                e = s(e, out="aborted")
        return e

    def step(S):
        I, R, c, cuts, z = S
        out = []
        ends = {"I": I, "R": R}

        def put(name_, e, msgs=(), c=c, cuts=cuts):
            n = dict(ends)
            n[name_] = e
            if c is not None and msgs:
                q = list(c)
                d = 0 if name_ == "I" else 1
                q[d] = q[d] + tuple(msgs)
                c = tuple(q)
            return (n["I"], n["R"], c, cuts, z)

        for nm, e in ends.items():
            if g(e, "out") is not None and not (g(e, "out") == "aborted" and g(e, "ab") and 0):
                live = False
            else:
                live = True
            if not live:
                continue
            isI = nm == "I"
            if not g(e, "f"):
                out.append((f"{nm} writes FIN", 0, put(nm, s(e, f=1), [("FIN",)])))
            if g(e, "pr") and not g(e, "tk"):
                out.append((f"{nm} app takes all, ACK", 0, put(nm, s(e, tk=1), [("ACK",)])))
            if not isI and EXEC and g(e, "f") and not g(e, "x"):
                out.append(("R child exits, EXIT", 0, put(nm, s(e, x=1), [("EXIT",)])))
            if know(e, isI) and not g(e, "bs"):
                out.append((f"{nm} BYE", 0, put(nm, s(e, bs=1), [("BYE",)])))
            if g(e, "bs") and g(e, "br"):
                out.append((f"{nm} ends success", 0, put(nm, s(e, out="success"))))
            if (
                not isI
                and TOMB
                and g(e, "bs")
                and not DROP
                or (DROP and not isI and g(e, "bs") and (g(e, "br") or 1))
            ):
                out.append(("R records success in a tombstone", 0, put(nm, s(e, out="success"))))
            if LINGER and g(e, "bs") and not g(e, "br"):
                out.append((f"{nm} linger over: success", 1, put(nm, s(e, out="success"))))
            if ABORT == nm and not g(e, "ab") and (not ABRULE or not g(e, "tk")):
                out.append(
                    (f"{nm} app fails: ABORT", 1, put(nm, s(e, ab=1, out="aborted"), [("ABORT",)]))
                )
        if c is not None:
            for d, (src, dst) in enumerate((("I", "R"), ("R", "I"))):
                if c[d]:
                    m = c[d][0]
                    q = list(c)
                    q[d] = q[d][1:]
                    e = ends[dst]
                    alive = g(e, "out") is None
                    if alive or (dst == "I" and g(e, "out") is None):
                        out.append((f"{dst} gets {m[0]}", 0, put(dst, merge(e, m), (), tuple(q))))
                    elif DROP and dst == "R" and (m[0] == "BYE" or (m[0] == "SNAP" and m[5])):
                        out.append(
                            (
                                "R tombstone: peer BYE seen, dropped",
                                0,
                                put(dst, s(e, br=1), (), tuple(q)),
                            )
                        )
                    else:
                        out.append((f"{dst} (ended) ignores {m[0]}", 0, (I, R, tuple(q), cuts, z)))
            if cuts < MAXCUT:
                out.append(("CUT", 1, (I, R, None, cuts + 1, z)))
            if (g(I, "out") is not None) and not c[0]:
                out.append(("connection closes", 0, (I, R, None, cuts, z)))
        else:
            # I redials while it lives; an aborting I redials to tell until acknowledged once (sticky)
            Ialive = g(I, "out") is None or (g(I, "out") == "aborted" and g(I, "ab"))
            Rans = g(R, "out") is None or (TOMB and not (DROP and g(R, "br")))
            if not Rans and DROP and g(I, "out") is None:
                out.append(
                    (
                        "I told gone",
                        0,
                        (s(I, out="success" if g(I, "bs") else "unknown"), R, c, cuts, z),
                    )
                )
            if Ialive and Rans and (g(I, "out") is None or g(R, "out") is None):
                sn = lambda e: (
                    "SNAP",
                    g(e, "f"),
                    g(e, "tk"),
                    g(e, "ab"),
                    g(e, "x") if EXITREL else 0,
                    g(e, "bs"),
                    0,
                )
                out.append(("resume", 0, (I, R, ((sn(I),), (sn(R),)), cuts, z)))
        return out

    def inv(S):
        I, R, c, cuts, z = S
        oi, orr = g(I, "out"), g(R, "out")
        if oi == "unknown":
            return "I ends unknown"
        if oi == "success" and not g(R, "tk"):
            return "I2: I success, R application had not taken all"
        if orr == "success" and not g(I, "tk"):
            return "I2: R success, I application had not taken all"
        if {oi, orr} == {"success", "aborted"}:
            return f"outcomes disagree: I {oi}, R {orr}"

    def good(S):
        return g(S[0], "out") is not None and g(S[1], "out") is not None

    return init, step, inv, good


# (what, arguments, what must be found; None: nothing)
RUNS = [
    (
        "EXIT is an event, not a state",
        dict(LINGER=False, TOMB=True, EXITREL=False, ABORT=None, ABRULE=False),
        "not live",
    ),
    (
        "an end stops lingering, which leaves the other to its time-out",
        dict(LINGER=True, TOMB=True, EXITREL=True, ABORT=None, ABRULE=False),
        "not live",
    ),
    (
        "the same, and there is no tombstone",
        dict(LINGER=True, TOMB=False, EXITREL=True, ABORT=None, ABRULE=False),
        "not live",
    ),
    (
        "the initiator may abort after its last acknowledgement",
        dict(LINGER=False, TOMB=True, EXITREL=True, ABORT="I", ABRULE=False),
        "outcomes disagree",
    ),
    (
        "the responder may abort after its last acknowledgement",
        dict(LINGER=False, TOMB=True, EXITREL=True, ABORT="R", ABRULE=False),
        "outcomes disagree",
    ),
    ("all rules", dict(LINGER=False, TOMB=True, EXITREL=True, ABORT=None, ABRULE=False), None),
    (
        "all rules, the initiator aborts",
        dict(LINGER=False, TOMB=True, EXITREL=True, ABORT="I", ABRULE=True),
        None,
    ),
    (
        "all rules, the responder aborts",
        dict(LINGER=False, TOMB=True, EXITREL=True, ABORT="R", ABRULE=True),
        None,
    ),
    (
        "all rules, the tombstone is dropped at the peer's BYE",
        dict(LINGER=False, TOMB=True, EXITREL=True, ABORT=None, ABRULE=False, DROP=1),
        None,
    ),
]
