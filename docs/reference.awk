# The header as Doxygen takes it: a group for each section, and a link for each name in a comment. A name that does not
# exist is then a warning of Doxygen, which ends the build. What is at the top is the first page.

/^ \* @file$/ { print " * @mainpage The C header"; next }
/^#ifndef SALTYRTC_H$/ { print "/** @file */" }
/^\/\* =+$/ { banner = 1; print ""; next }
banner && /^ \* =+ \*\/$/ { banner = 0; print ""; next }
banner {
    title = substr($0, 4)
    id = tolower(title)
    gsub(/[^a-z]+/, "_", id)
    printf "%s/** @defgroup %s %s */ /** @{ */\n", open ? "/** @} */ " : "", id, title
    open = 1
    next
}
/^#ifdef __cplusplus$/ && open { print "/** @} */"; open = 0 }
/^ *\*/ {
    gsub(/(saltyrtc|SALTYRTC)_[A-Za-z0-9_]+/, "#&")
    # Doxygen does not list what is for compilers only.
    gsub(/#SALTYRTC_NULLABLE/, "SALTYRTC_NULLABLE")
}
{ print }
