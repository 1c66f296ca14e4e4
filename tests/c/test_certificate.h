/* Test data: a TLS certificate and its private key, which everybody knows. Made with openssl, good for
   localhost and 127.0.0.1 until 2126:

       openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 \
           -subj "/CN=saltyrtc test" -addext "basicConstraints=critical,CA:FALSE" \
           -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" -keyout key.pem -out certificate.pem */

#ifndef TEST_CERTIFICATE_H
#define TEST_CERTIFICATE_H

/* Signed with its own key. */
static const char TEST_CERTIFICATE[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBoDCCAUagAwIBAgIUBg0WugM0bhuDsLVpciCiQooKPa8wCgYIKoZIzj0EAwIw\n"
    "GDEWMBQGA1UEAwwNc2FsdHlydGMgdGVzdDAgFw0yNjExMjIxMTUyMjdaGA8yMTI2\n"
    "MTAyOTExNTIyN1owGDEWMBQGA1UEAwwNc2FsdHlydGMgdGVzdDBZMBMGByqGSM49\n"
    "AgEGCCqGSM49AwEHA0IABPUO/xrtlQNSCNlCUBrhHjBNfiq2pi6PNyu7Gr79Ot2O\n"
    "NX7+i2eTKXEEgNf6X2+RSyWDytI2rMhxBwiRTOLJnU2jbDBqMB0GA1UdDgQWBBTn\n"
    "ihQa+QsbaOBpMpzHbh4MNQxfqDAfBgNVHSMEGDAWgBTnihQa+QsbaOBpMpzHbh4M\n"
    "NQxfqDAMBgNVHRMBAf8EAjAAMBoGA1UdEQQTMBGCCWxvY2FsaG9zdIcEfwAAATAK\n"
    "BggqhkjOPQQDAgNIADBFAiEAoiWYuaBfcPfUGlW6BTsWvRhIsnG0HWFk2oP2LYvs\n"
    "uYICIDOyafm0mXGrqo7bKwjaUn/NhitpiNRaaJomGVAzr6Qm\n"
    "-----END CERTIFICATE-----\n";

/* Of TEST_CERTIFICATE. */
static const char TEST_PRIVATE_KEY[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgpoyDms+wCGfsHlDF\n"
    "RNh98rsGu9mEOccnGpv0lm1krk+hRANCAAT1Dv8a7ZUDUgjZQlAa4R4wTX4qtqYu\n"
    "jzcruxq+/TrdjjV+/otnkylxBIDX+l9vkUslg8rSNqzIcQcIkUziyZ1N\n"
    "-----END PRIVATE KEY-----\n";

/* Of somebody else, who has nothing to do with the first. */
static const char OTHER_CERTIFICATE[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBlzCCAT2gAwIBAgIUJJzzvRCDr4dvJ91N/l4LaGbh6ZUwCgYIKoZIzj0EAwIw\n"
    "IDEeMBwGA1UEAwwVYW5vdGhlciBzYWx0eXJ0YyB0ZXN0MCAXDTI2MTEyMjExNTIy\n"
    "N1oYDzIxMjYxMDI5MTE1MjI3WjAgMR4wHAYDVQQDDBVhbm90aGVyIHNhbHR5cnRj\n"
    "IHRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAR+k592+2eBDgc2XvhOOcHD\n"
    "XtcT9zDJJ6AUUBp/yg8Ee6RBDboartjoHG8ImQEpit3J3vyLdh052Dr7JUINz55j\n"
    "o1MwUTAdBgNVHQ4EFgQU3k1MtMX3SsNImC8owTVKSSt94Y0wHwYDVR0jBBgwFoAU\n"
    "3k1MtMX3SsNImC8owTVKSSt94Y0wDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQD\n"
    "AgNIADBFAiEA3m3QXjmoDLMpOXAtZ7RrdCD7GtuDJa21RqAVVqGzJTICIFyjSABa\n"
    "y3ZxqXVoujkjcrkYyjN3dKZnVlWIAvA6+9HC\n"
    "-----END CERTIFICATE-----\n";

#endif
