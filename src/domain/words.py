"""English words too common to say what a text is about."""

_TEXT = """
a about after all also an and any are as at be been but by can com could do each every for from
get had has have he her here his how i if in into is it its just know like make many may me
more most much must my need new no not now of off on one only or other our out over own per see
she should so some such take than that the their them then there these they this those through
to too up us use very want was way we well were what when where which while who will with would
www you your
"""

COMMON_WORDS = frozenset(_TEXT.split())
