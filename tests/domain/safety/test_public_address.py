import pytest

from domain.safety.public_address import is_public_address


@pytest.mark.parametrize(
    "text",
    [
        "93.184.216.34",
        "1.1.1.1",
        "172.15.255.255",
        "172.32.0.0",
        "100.63.0.1",
        "2606:4700:4700::1111",
        "2001:4860:4860::8888",
        "::ffff:93.184.216.34",
        "64:ff9b::5db8:d822",
    ],
)
def test_the_public_internet_is_public(text: str) -> None:
    assert is_public_address(text)


@pytest.mark.parametrize(
    "text",
    [
        *("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.1.2.3", "172.16.0.1"),
        *("172.31.255.255", "192.168.0.1", "169.254.169.254", "100.64.0.1", "100.100.100.200"),
        *("192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1"),
        *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "168.63.129.16"),
        *("::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "fe80::1"),
        *("fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1"),
        *("2001::1", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "3fff::1"),
    ],
)
def test_everything_else_is_inside(text: str) -> None:
    assert not is_public_address(text)


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f.0.0.1", "1.1.1.1 ", "1.1.1.1/32"])
def test_what_is_no_address_is_not_public(text: str) -> None:
    assert not is_public_address(text)
