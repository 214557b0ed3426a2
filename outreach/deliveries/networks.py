"""Networks of rented servers and of mail filters, as far as they can be known without asking anybody.

Large blocks that their owners publish as their own, coarse and never complete: a sign among several, never a proof
(standards D). Networks through which people read too (offices behind a filtering proxy, private relays, delivery
networks for web pages) are left out on purpose.
"""

from bisect import bisect_right
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

AMAZON = """3.0.0.0/8 13.52.0.0/14 18.128.0.0/9 34.192.0.0/10 35.72.0.0/13 35.152.0.0/13 35.160.0.0/13 35.176.0.0/13
44.192.0.0/10 50.16.0.0/14 52.0.0.0/11 52.32.0.0/11 52.64.0.0/12 52.192.0.0/11 54.64.0.0/11 54.144.0.0/12 54.160.0.0/11
54.192.0.0/10 100.20.0.0/14 107.20.0.0/14 174.129.0.0/16 184.72.0.0/15 204.236.128.0/17 2600:1f00::/24 2a05:d000::/25"""
MICROSOFT = """13.64.0.0/11 13.104.0.0/14 20.36.0.0/14 20.40.0.0/13 20.48.0.0/12 20.64.0.0/10 20.184.0.0/13
20.192.0.0/10 23.96.0.0/13 40.64.0.0/10 51.104.0.0/15 52.96.0.0/12 52.136.0.0/13 52.148.0.0/14 52.152.0.0/13
52.160.0.0/11 52.224.0.0/11 65.52.0.0/14 104.40.0.0/13 104.208.0.0/13 137.116.0.0/15 168.61.0.0/16 191.232.0.0/13
2603:1000::/24 2a01:111::/32"""
GOOGLE = """34.64.0.0/10 34.128.0.0/10 35.184.0.0/13 35.192.0.0/12 35.208.0.0/12 35.224.0.0/12 64.233.160.0/19
66.249.64.0/19 74.125.0.0/16 104.154.0.0/15 104.196.0.0/14 130.211.0.0/16 146.148.0.0/17 209.85.128.0/17"""
SERVERS = """5.9.0.0/16 37.187.0.0/16 46.4.0.0/16 46.105.0.0/16 51.38.0.0/16 51.68.0.0/16 51.75.0.0/16 54.37.0.0/16
54.38.0.0/16 64.225.0.0/16 68.183.0.0/16 78.46.0.0/15 88.99.0.0/16 88.198.0.0/16 94.23.0.0/16 94.130.0.0/16
95.216.0.0/15 104.131.0.0/16 104.236.0.0/16 104.248.0.0/16 116.202.0.0/15 128.199.0.0/16 134.209.0.0/16 135.181.0.0/16
136.243.0.0/16 137.74.0.0/16 138.68.0.0/16 138.197.0.0/16 138.201.0.0/16 142.93.0.0/16 144.76.0.0/16 144.217.0.0/16
145.239.0.0/16 147.135.0.0/16 148.251.0.0/16 149.202.0.0/16 157.230.0.0/16 158.69.0.0/16 159.65.0.0/16 159.69.0.0/16
159.89.0.0/16 161.35.0.0/16 162.55.0.0/16 165.22.0.0/16 165.227.0.0/16 167.71.0.0/16 167.99.0.0/16 167.114.0.0/16
167.172.0.0/16 168.119.0.0/16 176.9.0.0/16 176.31.0.0/16 178.63.0.0/16 178.128.0.0/16 188.40.0.0/16 188.165.0.0/16
192.99.0.0/16 195.201.0.0/16 206.189.0.0/16 2001:41d0::/32 2604:a880::/32 2a01:4f8::/31 2a03:b0c0::/32"""
MAIL_FILTERS = """64.235.144.0/20 67.219.240.0/20 67.231.144.0/20 68.232.128.0/19 85.158.136.0/21 91.220.42.0/24
95.131.104.0/21 148.163.128.0/19 195.130.217.0/24 205.139.110.0/23 207.211.30.0/24 209.222.80.0/21 216.82.240.0/20"""


def is_of_machines(address: str) -> bool:
    """Whether the network of this address is one of rented servers or of mail filters. False for what is no address."""
    try:
        asked: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    if isinstance(asked, IPv6Address) and asked.ipv4_mapped:
        asked = asked.ipv4_mapped
    firsts, lasts = _blocks(asked.version)
    place = bisect_right(firsts, int(asked)) - 1
    return place >= 0 and int(asked) <= lasts[place]


@cache
def _blocks(version: int) -> tuple[list[int], list[int]]:
    """First and last addresses of the blocks, in their order."""
    listed = [ip_network(each) for each in " ".join((AMAZON, MICROSOFT, GOOGLE, SERVERS, MAIL_FILTERS)).split()]
    edges = sorted((int(each[0]), int(each[-1])) for each in listed if each.version == version)
    return [first for first, _ in edges], [last for _, last in edges]
