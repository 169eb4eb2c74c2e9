"""STOP, credit and FIN: a writer of three units with a window of one, and a reader that goes away."""


def model(STICKY, DRAIN, FINCREDIT, ACKFREE=1):
    # W:(sent,acked,credit,stopped,finSent,done) R:(recv,taken,gone,finSeen) conn (qw,qr)|None
    N = 3
    W = 1
    init = ((0, 0, W, 0, 0, 0), (0, 0, 0, 0), ((), ()), 2)

    def step(S):
        w, r, c, cuts = S
        out = []
        se, ak, cr, sp, fs, dn = w
        rc, tk, gn, fin = r

        def q(i, *m):
            l = list(c)
            l[i] = l[i] + m
            return tuple(l) if c is not None else None

        if c is not None:
            if not sp and se < N and se < cr:
                out.append(
                    (f"W sends {se}", 0, ((se + 1, ak, cr, sp, fs, dn), r, q(0, ("D", se)), cuts))
                )
            if not fs and (se == N or sp) and (not FINCREDIT or se < cr or 0):
                out.append(
                    (
                        f'W sends FIN at {se}{" (stopped)" if sp else ""}',
                        0,
                        ((se, ak, cr, sp, 1, dn), r, q(0, ("FIN", se, sp)), cuts),
                    )
                )
            if c[0]:
                m = c[0][0]
                c2 = (c[0][1:], c[1])
                if m[0] == "D":
                    if m[1] < rc:
                        out.append(("R trims", 0, (w, r, c2, cuts)))
                    elif gn and DRAIN:
                        out.append(
                            (
                                "R (gone) discards+acks",
                                0,
                                (w, (rc + 1, tk, gn, fin), (c2[0], c2[1] + (("A", rc + 1),)), cuts),
                            )
                        )
                    else:
                        out.append((f"R receives {m[1]}", 0, (w, (rc + 1, tk, gn, fin), c2, cuts)))
                elif m[0] == "FIN":
                    ok = not gn or DRAIN
                    out.append(
                        (
                            "R sees FIN",
                            0,
                            (
                                w,
                                (rc, tk, gn, 1),
                                (c2[0], c2[1] + ((("FA",),) if (gn and DRAIN) else ())),
                                cuts,
                            ),
                        )
                    )
            if c[1]:
                m = c[1][0]
                c2 = (c[0], c[1][1:])
                if m[0] == "A":
                    out.append(
                        (
                            f"W acked {m[1]}",
                            0,
                            ((se, max(ak, m[1]), max(cr, m[1] + W), sp, fs, dn), r, c2, cuts),
                        )
                    )
                elif m[0] == "STOP":
                    out.append(("W learns STOP", 0, ((se, ak, cr, 1, fs, dn), r, c2, cuts)))
                elif m[0] == "FA":
                    out.append(("W: FIN acked", 0, ((se, ak, cr, sp, fs, 1), r, c2, cuts)))
            if tk < rc and not gn:
                out.append(
                    (f"R app takes {tk}", 0, (w, (rc, tk + 1, gn, fin), q(1, ("A", tk + 1)), cuts))
                )
            if fin and tk == rc and not gn:
                out.append(
                    ("R acks FIN", 0, (w, r, q(1, ("FA",)) if ("FA",) not in c[1] else c, cuts))
                )
            if not gn:
                out.append(
                    (
                        "R application closes: STOP",
                        0,
                        (
                            w,
                            (rc, tk, 1, fin),
                            q(
                                1,
                                ("STOP",),
                                *(((("A", rc),) + ((("FA",),) if fin else ())) if DRAIN else ()),
                            ),
                            cuts,
                        ),
                    )
                )
            if cuts:
                out.append(("CUT", 1, (w, r, None, cuts - 1)))
        else:
            sn = ()
            if STICKY and gn:
                sn = (("STOP",),)
            a = (("A", rc if gn and DRAIN else tk),)
            fa = (("FA",),) if (fin and gn and DRAIN) else ()
            out.append(
                (
                    "resume",
                    0,
                    ((rc, ak, cr, sp, 0 if not fin else fs, dn), r, ((), a + sn + fa), cuts),
                )
            )
        return out

    return init, step, lambda S: None, lambda S: S[0][5] == 1


# (what, arguments, what must be found; None: nothing)
RUNS = [
    ("STOP is an event, not a state", dict(STICKY=0, DRAIN=0, FINCREDIT=0), "not live"),
    (
        "a reader that went away does not acknowledge",
        dict(STICKY=1, DRAIN=0, FINCREDIT=0),
        "not live",
    ),
    ("all rules", dict(STICKY=1, DRAIN=1, FINCREDIT=0), None),
]
