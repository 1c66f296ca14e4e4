package org.saltyrtc

/** A value of an enumeration to which later versions of the library can add: a number without a name is kept. */
public abstract class OpenEnum internal constructor(
    /** The number that the library uses. */
    public val value: Int,
    /** The name: `UNKNOWN_` and the number, if only a later version has one. */
    public val name: String,
) {
    /** Values of the same enumeration with the same number are equal. */
    final override fun equals(other: Any?): Boolean =
        other is OpenEnum && other.javaClass == javaClass && other.value == value

    /** Fits [equals]. */
    final override fun hashCode(): Int = value

    /** The name. */
    final override fun toString(): String = name
}
