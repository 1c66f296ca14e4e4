/*
 * An ECDSA certificate for GStreamer's webrtcbin.
 *
 * By itself webrtcbin makes an RSA certificate (before GStreamer 1.28), which many of its peers refuse: the WebRTC
 * that is built into this library is one of them. RFC 8827 (section 6.5) demands ECDSA with P-256 of everybody.
 *
 * Two things are not obvious (in GStreamer 1.22):
 *  - `certificate` of GstWebRTCDTLSTransport can be set too late only: the transport is made by the first offer or
 *    answer, and another certificate makes another DTLS connection, which the elements that run already do not
 *    know. So we watch for the element whose property it stands for, before it runs.
 *  - The property is the certificate and its private key, one after the other; but the fingerprint that webrtcbin
 *    writes into an offer or answer is of all that is in this text. So it has to be corrected.
 */
#ifndef GSTREAMER_CERTIFICATE_H
#define GSTREAMER_CERTIFICATE_H

#include <gst/sdp/sdp.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

struct certificate {
    char *pem; /* with the private key */
    char fingerprint[sizeof "sha-256 " + 3 * 32];
};

/* Signs a certificate for a new key: for one connection, so that nobody recognises us by it. Returns NULL if OpenSSL
   cannot. */
static X509 *certificate_sign(EVP_PKEY *key) {
    enum { BEGINS = -24 * 60 * 60, ENDS = 30 * 24 * 60 * 60 }; /* seconds from now; clocks differ */
    guint64 serial;
    X509 *x509 = X509_new();
    X509_NAME *name = X509_NAME_new();
    const gboolean done =
        key != NULL && x509 != NULL && name != NULL && RAND_bytes((unsigned char *)&serial, sizeof serial) == 1 &&
        X509_set_version(x509, X509_VERSION_3) && ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial >> 1) &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"WebRTC", -1, -1, 0) &&
        X509_set_subject_name(x509, name) && X509_set_issuer_name(x509, name) &&
        X509_gmtime_adj(X509_getm_notBefore(x509), BEGINS) && X509_gmtime_adj(X509_getm_notAfter(x509), ENDS) &&
        X509_set_pubkey(x509, key) && X509_sign(x509, key, EVP_sha256()) > 0;
    X509_NAME_free(name);
    if (!done) {
        X509_free(x509);
        x509 = NULL;
    }
    return x509;
}

/* Makes a key and a certificate. Returns whether OpenSSL could. Released with certificate_clear. */
static gboolean certificate_make(struct certificate *certificate) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    char *text;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x509 = certificate_sign(key);
    BIO *pem = BIO_new(BIO_s_mem());
    const gboolean done = x509 != NULL && pem != NULL && PEM_write_bio_X509(pem, x509) &&
                          PEM_write_bio_PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL) &&
                          X509_digest(x509, EVP_sha256(), digest, &size);
    if (done) {
        char *end = g_stpcpy(certificate->fingerprint, "sha-256");
        for (unsigned int i = 0; i < size; i++) {
            g_snprintf(end, 4, "%c%02X", i == 0 ? ' ' : ':', digest[i]);
            end += 3;
        }
        const long length = BIO_get_mem_data(pem, &text);
        certificate->pem = g_strndup(text, (gsize)length);
    }
    BIO_free(pem);
    X509_free(x509);
    EVP_PKEY_free(key);
    return done;
}

static void certificate_clear(struct certificate *certificate) {
    if (certificate->pem != NULL) {
        OPENSSL_cleanse(certificate->pem, strlen(certificate->pem));
    }
    g_clear_pointer(&certificate->pem, g_free);
}

static void certificate_set(GstBin *bin G_GNUC_UNUSED, GstBin *parent G_GNUC_UNUSED, GstElement *element,
                            const struct certificate *certificate) {
    const GstElementFactory *factory = gst_element_get_factory(element);
    if (factory != NULL && strcmp(GST_OBJECT_NAME(factory), "dtlssrtpdec") == 0) {
        g_object_set(element, "pem", certificate->pem, NULL);
    }
}

/* Has webrtcbin use the certificate: to be called before anything else is done with webrtcbin. */
static void certificate_use(struct certificate *certificate, GstElement *webrtc) {
    g_signal_connect(webrtc, "deep-element-added", G_CALLBACK(certificate_set), certificate);
}

/* Writes the fingerprint of the certificate into an offer or answer of webrtcbin, before anybody gets it. */
static void certificate_describe(const struct certificate *certificate, GstSDPMessage *description) {
    for (guint i = 0; i < gst_sdp_message_medias_len(description); i++) {
        GstSDPMedia *media = (GstSDPMedia *)gst_sdp_message_get_media(description, i);
        for (guint j = 0; j < gst_sdp_media_attributes_len(media); j++) {
            GstSDPAttribute attribute;
            if (strcmp(gst_sdp_media_get_attribute(media, j)->key, "fingerprint") != 0) continue;
            gst_sdp_attribute_set(&attribute, "fingerprint", certificate->fingerprint);
            gst_sdp_media_replace_attribute(media, j, &attribute);
        }
    }
}

#endif
