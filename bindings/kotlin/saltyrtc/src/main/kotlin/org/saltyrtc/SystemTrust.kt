package org.saltyrtc

import java.security.KeyStore
import javax.net.ssl.TrustManagerFactory
import javax.net.ssl.X509TrustManager

/** The trust store of the platform: on Android that of the system, elsewhere that of Java. */
public object SystemTrust {
    /**
     * The root certificates that the platform trusts at the moment, in DER, for [PeerOptions.tlsCertificates]. On Android
     * they are used without being asked for. Elsewhere, a program that wants Java's in place of those of the operating
     * system gives them itself.
     */
    @JvmStatic
    public fun certificates(): List<ByteArray> {
        val factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm())
        factory.init(null as KeyStore?)
        return factory.trustManagers.filterIsInstance<X509TrustManager>()
            .flatMap { manager -> manager.acceptedIssuers.map { it.encoded } }
    }
}
